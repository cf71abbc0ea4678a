"""A key that is wrong, two right choices, a candidate that loops, exits or breaks the setup: the verifier says so."""

import functools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from utils.exam import bank, proofs, verify
from utils.exam.faults import ROOT
from utils.exam.sandbox import Sandbox

FIXTURES = Path(__file__).parent / "fixtures"
PATHS = {path.stem: path for path in sorted(FIXTURES.glob("*.yaml"))}


@pytest.fixture(scope="module", autouse=True)
def shared():
    """One worker for the whole module, as for a whole bank; at the end no process is left, running or unfetched."""
    with Sandbox() as sandbox:
        yield sandbox
    assert children() == []


def children():
    tasks = Path(f"/proc/{os.getpid()}/task")
    if not tasks.exists():
        return []
    return [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]


@pytest.fixture
def proven(tmp_path, shared):
    """A function that proves a sample file with some of its text replaced, and returns the messages."""

    def prove(name, *changes, limit=10.0):
        text = PATHS[name].read_text(encoding="utf-8") if name in PATHS else name
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / ("01_convolution.yaml" if "chapter: 01" in text else "07_rnn_bptt.yaml")
        path.write_text(text, encoding="utf-8")
        chapter = bank.load_file(path)
        faults = [
            chapter.fault(question, *fault)
            for question in chapter.questions
            for fault in proofs.prove(chapter, question, shared, limit)[0]
        ]
        assert all(str(fault).startswith(str(path)) and fault.question and fault.line for fault in faults)
        return [str(fault) for fault in faults]

    return prove


def only(messages):
    (message,) = messages
    return message


def test_the_sample_bank_holds():
    said = []
    count, faults = verify.verify(PATHS.values(), say=said.append)
    assert (count, faults) == (6, [])
    assert "07_rnn_bptt sample-bptt-line: A passed, B assertion, C assertion, D exception ValueError" in said


# --- calculation


def drawn(name):
    return f"tests.exam.fixtures.drawn.{name}"


CALCULATION = """chapter: 01_convolution
questions:
  - id: drawn
    kind: calculation
    topic: "3.4"
    generator: GENERATOR
    seed: 7
    question: QUESTION
    choices:
      - {answer: true, why: WHY}
      - {mistake: a, why: w}
      - {mistake: b, why: w}
      - {mistake: c, why: w}
"""


@pytest.mark.parametrize(
    ("generator", "question", "why", "expected"),
    [
        (drawn("tie"), "q", "w", "choices: seed 7: a mistake leads to the answer '1' (values {'x': 1})"),
        (drawn("tie_for_other_seeds"), "q", "w", "choices: seed 100"),
        (drawn("never_ends"), "q", "w", "drawn.never_ends does not finish in 2 s"),
        (drawn("global_stream"), "q", "w", "generator: seed 7: two draws differ; draw from `rng` only"),
        (drawn("no_problem"), "q", "w", "returned int; expected a Problem"),
        (
            drawn("raises"),
            "q",
            "w",
            "drawn.raises raises ZeroDivisionError: division by zero at `return Problem({}, 1 / 0)",
        ),
        (drawn("nowhere"), "q", "w", "has no function 'nowhere'; expected one of"),
        (drawn("never_end"), "q", "w", "has no function 'never_end'; did you mean 'never_ends'?"),
        (drawn("not_a_number"), "q", "w", "the result is nan; expected a finite number"),
        (drawn("no_module.here"), "q", "w", "there is no module 'tests.exam.fixtures.drawn.no_module'"),
        ("no_such_chapter.output_size", "q", "w", "there is no module 'utils.exam.generators.no_such_chapter'"),
        (
            drawn("tie"),
            '"{hight}"',
            "w",
            "question.en: seed 7: {hight} is not one of the problem's values; expected one of x",
        ),
        (drawn("tie"), '"{answer}"', "w", "question.en: seed 7: {answer} is not one of the problem's values"),
        (drawn("tie"), r'"$\\frac{a}{b}$"', "w", "write {{ and }} for braces that are meant as such"),
        (drawn("tie"), "q", '"{x"', "choices[0].why.en: seed 7: expected '}' before end of string"),
        (drawn("third"), "q", '"{answer:.3f}"', "format: seed 7: shows 0.3333333333333333; give the number of digits"),
        (drawn("arrays"), "q", '"{x}"', "choices: seed 7: 0.3333333333333333 has too many digits"),
        (drawn("tie"), "q", '"{x:.q}"', "choices[0].why.en: seed 7: cannot be filled in with"),
    ],
)
def test_calculation(proven, monkeypatch, generator, question, why, expected):
    monkeypatch.setattr("utils.exam.sandbox.CALL_LIMIT", 2.0)
    text = CALCULATION.replace("GENERATOR", generator).replace("QUESTION", question).replace("WHY", why)
    message = only(proven(text))
    assert "question 'drawn': " in message and expected in message


def test_mistake_that_the_generator_does_not_have(proven):
    message = only(proven("01_convolution", ("mistake: ceiling", "mistake: cieling")))
    assert "choices[1].mistake: seed 7: the generator has no mistake 'cieling'; did you mean 'ceiling'?" in message


def test_format_that_leaves_a_long_number(proven):
    changes = [
        ("stem: layer\n    generator: tests.exam.fixtures.drawn.same_stem", f"generator: {drawn('mean')}"),
        ('    format: {en: "{:,} pixels", ja: "{:,} 画素"}\n', ""),
        ("mistake: side", "mistake: sum"),
        ("mistake: twice", "mistake: one_less"),
        ("mistake: four", "mistake: one_more"),
    ]
    assert "give the number of digits, such as format: '{:.3f}'" in only(proven("01_convolution", *changes))
    changes[1] = (changes[1][0], '    format: "{:d}"\n')
    assert "format: seed 7: '{:d}' does not fit the result" in only(proven("01_convolution", *changes))


def test_stem_that_reads_differently_for_two_questions(proven):
    change = ("drawn.same_stem\n    seed: 7", "drawn.same_stem\n    seed: 8")
    message = only(proven("01_convolution", change))
    assert "stem: reads differently for 'sample-output-size' and 'sample-pixels'" in message


def test_figure_that_is_none(proven):
    change = (f"figure: {drawn('picture')}", f"figure: {drawn('no_picture')}")
    assert "returned str; expected a matplotlib Figure" in only(proven("01_convolution", change))


# --- concept


def test_assertion_that_fails(proven):
    message = only(proven("01_convolution", ("== k * k * c", "== k * k")))
    assert "check: AssertionError at `assert np.zeros((k, k, c, 1)).size == k * k`" in message


def test_choice_given_twice(proven):
    changes = [("One output a step.", "One."), ('text: "`(4, 8)`"', 'text: "`(4, 5, 8)`"')]
    messages = proven("07_rnn_bptt", *changes)
    assert len(messages) == 2 and "two choices read '`(4, 5, 8)`'" in messages[0]  # once a language


# --- code

RIGHT, WRONG = "dh * (1 - h**2)", "dh * h * (1 - h)"


@pytest.fixture
def code_changed(proven):
    return functools.partial(proven, "07_rnn_bptt")


def test_wrong_key(code_changed):
    changes = [(f'{{code: "{RIGHT}", correct: true,', f'{{code: "{RIGHT}",')]
    changes += [(f'{{code: "{WRONG}",', f'{{code: "{WRONG}", correct: true,')]
    message = only(code_changed(*changes))
    assert f"`{WRONG}` is marked correct, but AssertionError: differs from the numerical gradient" in message
    assert message.endswith("; A passes instead")


def test_no_candidate_passes(code_changed):
    message = only(code_changed((RIGHT, "dh * (2 - h**2)")))
    assert "`dh * (2 - h**2)` is marked correct, but" in message and message.endswith("no candidate passes")


def test_two_right_candidates(code_changed):
    message = only(code_changed((WRONG, "dh - dh * h**2")))
    assert "choices: A and B all pass the check; expected A alone" in message


def test_the_same_candidate_twice(code_changed):
    messages = code_changed((WRONG, "dh*(1-h**2)"))
    assert any("two candidates are the same" in message for message in messages)


def test_candidate_that_loops_for_ever(code_changed):
    loop = ('code: "g = g / norm"', 'code: "while True: pass"')
    message = only(code_changed(loop, limit=1.0))
    assert "choices[3]: `while True: pass` does not finish in 1 s (in the code)" in message
    assert code_changed((loop[0], loop[1] + "\n        fails: timeout"), limit=1.0) == []


def test_right_candidate_that_loops_for_ever(code_changed):
    message = only(code_changed((RIGHT, "[0 for _ in iter(int, 1)]"), limit=1.0))
    assert "is marked correct, but does not finish in 1 s" in message


@pytest.mark.parametrize("end", ["__import__('os')._exit(3)", "__import__('os').kill(__import__('os').getpid(), 9)"])
def test_candidate_that_ends_the_process(code_changed, end):
    message = only(code_changed((WRONG, end)))
    assert "choices[1]: " in message and "ends the process (exit code" in message


def test_candidate_that_exits_or_interrupts_counts_as_an_exception(code_changed):
    assert code_changed((WRONG, "exit()")) == []
    assert code_changed(('code: "g = g / norm"', 'code: "raise KeyboardInterrupt"')) == []


def test_setup_that_raises(code_changed):
    message = only(code_changed(("u = rng.normal(size=(4, 3))", "u = rng.norml(size=(4, 3))")))
    assert "question 'sample-bptt-line': setup: AttributeError: " in message
    assert "at `u = rng.norml(size=(4, 3))`" in message


def test_setup_that_loops_for_ever(code_changed):
    message = only(code_changed(("u = rng.normal(size=(4, 3))", "while True: pass"), limit=1.0))
    assert "setup: does not finish in 1 s (in the setup)" in message


def test_candidate_that_is_not_python(code_changed):
    change = (WRONG, "dh * (1 - h")
    assert "is not valid Python: '(' was never closed; if that is the mistake" in only(code_changed(change))
    allowed = (f'{{code: "{WRONG}",', '{code: "dh * (1 - h", fails: syntax,')
    assert code_changed(allowed) == []


def test_candidate_with_an_undefined_name(code_changed):
    change = (WRONG, "dy * (1 - h**2)")
    assert "name 'dy' is not defined; if that is the mistake" in only(code_changed(change))
    assert code_changed((f'{{code: "{WRONG}",', '{code: "dy * (1 - h**2)", fails: exception,')) == []


def test_candidate_that_fails_otherwise_than_stated(code_changed):
    change = (f'{{code: "{WRONG}",', f'{{code: "{WRONG}", fails: exception,')
    assert f"`{WRONG}` should fail by exception, but AssertionError" in only(code_changed(change))


# --- the worker


@pytest.fixture
def sandbox():
    with Sandbox() as sandbox:
        yield sandbox


def test_candidates_do_not_see_each_other(sandbox):
    assert sandbox.run([("code", "x = 1")]).how == "passed"
    outcome = sandbox.run([("code", "x")])
    assert (outcome.how, outcome.error) == ("failed", "NameError")


def test_random_streams_start_anew_for_each_candidate(sandbox):
    draw = [("setup", "import random\nimport numpy as np"), ("code", "x = (random.random(), np.random.rand())")]
    check = ("check", "assert False, repr(x)")
    assert sandbox.run([*draw, check]).message == sandbox.run([*draw, check]).message


def test_what_a_candidate_changes_in_the_process_is_put_back(sandbox):
    mess = "import os, sys, numpy as np\nos.chdir('/')\nos.environ['X'] = '1'\nsys.stdout = None\nsys.path.clear()\n"
    assert sandbox.run([("code", mess + "np.seterr(all='raise')")]).how == "passed"
    look = (
        "import os, sys, numpy as np\nassert os.getcwd() != '/' and 'X' not in os.environ and sys.path and sys.stdout"
    )
    assert str(sandbox.run([("code", look), ("check", "assert np.geterr()['over'] == 'warn'")])) == "passes"


def test_output_and_input_of_a_candidate_go_nowhere(sandbox):
    assert sandbox.run([("code", "import os\nprint('{}')\nos.write(1, b'{}\\n')")]).how == "passed"
    assert sandbox.run([("code", "input()")]).error == "EOFError"
    assert sandbox.run([("code", "x = 1")]).how == "passed"


def test_one_worker_serves_until_a_candidate_breaks_it(sandbox):
    pid = [("code", "import os"), ("check", "assert False, str(os.getpid())")]
    first = sandbox.run(pid).message
    assert sandbox.run(pid).message == first
    assert str(sandbox.run([("code", "while True: pass")], limit=0.5)) == "does not finish in 0.5 s (in the code)"
    assert sandbox.run(pid).message != first


def test_processes_started_by_a_candidate_end_with_it():
    start = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\nassert False, str(child.pid)"
    with Sandbox() as sandbox:
        pid = int(sandbox.run([("code", start)]).message)
    status = Path(f"/proc/{pid}/stat")
    for _ in range(50):
        if not status.exists() or status.read_text().split()[2] == "Z":  # ended; not ours to fetch
            return
        time.sleep(0.1)
    pytest.fail(f"process {pid} still runs")


def test_keras_is_imported_outside_the_limit_and_reset_between_candidates(sandbox):
    code = "import keras\nassert keras.config.floatx() == 'float32'\nkeras.config.set_floatx('float64')"
    for _ in range(2):
        assert str(sandbox.run([("code", code)], limit=2.0, modules=("keras",))) == "passes"


def test_module_that_cannot_be_imported(sandbox):
    assert str(sandbox.run([("code", "x = 1")], modules=("no_such_module",))).startswith("ModuleNotFoundError")


# --- the command


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "utils.exam.verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_command_line():
    code, lines = command(*PATHS.values())
    assert (code, lines) == (0, ["6 questions in 2 files: all verified"])


def test_command_line_with_faults(tmp_path):
    path = tmp_path / "07_rnn_bptt.yaml"
    path.write_text(PATHS["07_rnn_bptt"].read_text(encoding="utf-8").replace(RIGHT, "dh"), encoding="utf-8")
    code, lines = command(path)
    assert code == 1 and len(lines) == 2
    assert lines[-1] == "3 questions in 1 file: 1 fault"
