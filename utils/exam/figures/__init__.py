"""Figures of questions: one module a chapter, functions that return a matplotlib Figure.

A figure of a calculation question may take any of the problem's values as keyword arguments. Labels are in English.
"""
