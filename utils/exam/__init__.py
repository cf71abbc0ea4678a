"""Questions and exercises: `quiz` shows a chapter's questions, `check` says what is wrong with an exercise."""

from utils.exam.exercise import Feedback, Mistake, check
from utils.exam.inline import Quiz, quiz

__all__ = ["Feedback", "Mistake", "Quiz", "check", "quiz"]
