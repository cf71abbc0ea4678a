"""How a quiz looks and speaks: the words of both languages, styles, and the script that keeps the score."""

from utils import runtime

# Colab shows every output in a frame of its own, in which it sets no formulas (colabtools issue 3941); its maintainers
# name this address in issue 975. Jupyter and static pages bring their own MathJax, and load nothing from outside.
COLAB_MATH = '<script src="https://www.gstatic.com/external_hosted/mathjax/latest/MathJax.js?config=default"></script>'


def frame(html):
    """HTML for a notebook's output: as it is, and in Colab with the script that sets its formulas."""
    return html + COLAB_MATH if runtime.in_colab() else html


WORDS = {
    "en": {
        "quiz": "Questions",
        "intro": "Open the choice you would give as your answer; it says whether it is right, and why.",
        "set": "Questions {first}–{last} share this text.",
        "question": "Question {number}",
        "concept": "Concept",
        "calculation": "Calculation",
        "code": "Code",
        "right": "✓ Right answer.",
        "wrong": "✗ Not the answer.",
        "source": "Source: {citation}",
        "first_right": "← your answer: ✓ right",
        "first_wrong": "← your answer: ✗ not this one",
        "score": "Right: {right} of {answered} answered ({all} questions)",
        "again": "Start over",
    },
    "ja": {
        "quiz": "確認テスト",
        "intro": "答えだと思う選択肢を開いてください。正誤と理由が表示されます。",
        "set": "次の文章は問{first}〜問{last}に共通です。",
        "question": "問{number}",
        "concept": "知識",
        "calculation": "計算",
        "code": "コード",
        "right": "✓ 正解。",
        "wrong": "✗ 不正解。",
        "source": "出典: {citation}",
        "first_right": "← あなたの解答: ✓ 正解",
        "first_wrong": "← あなたの解答: ✗ 不正解",
        "score": "解答 {answered} 問のうち正解 {right} 問(全 {all} 問)",
        "again": "最初から",
    },
}

# Styles in place survive in a notebook that is not trusted, where a style sheet does not. Half-transparent grey shows
# on a light and on a dark page; text keeps the page's colour.
STYLE = {
    "quiz": "max-width:54em;line-height:1.6",
    "set": "margin:1.5em 0;padding-left:1em;border-left:3px solid rgba(128,128,128,.4)",
    "question": "margin:1.2em 0;padding:.4em 1em .8em;min-width:0;border:1px solid rgba(128,128,128,.5)",
    "legend": "padding:0 .5em;font-size:90%",
    "choice": "margin:.4em 0;border:1px solid rgba(128,128,128,.3);border-radius:4px",
    "summary": "padding:.35em .7em;cursor:pointer",
    "right": "margin:0 0 .4em;padding:.1em 1em .1em 1.4em;border-left:4px solid #2a9d8f",
    "wrong": "margin:0 0 .4em;padding:.1em 1em .1em 1.4em;border-left:4px solid #d1495b",
    "source": "font-size:90%",
    "blank": "padding:0 .3em;border:1px solid rgba(128,128,128,.9);border-radius:3px",
    "image": "max-width:100%;background-color:#ffffff;border-radius:4px",
}

# Comfort only.
SHEET = """.study-quiz pre.sq-code { background: rgba(128, 128, 128, .1); color: inherit; }
.study-quiz pre.sq-code code, .study-quiz summary code { background: none; color: inherit; padding: 0; }
.study-quiz summary:hover { background: rgba(128, 128, 128, .12); }
.study-quiz summary:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.study-quiz .sq-first { font-size: .9em; margin-left: .8em; }
.study-quiz .sq-end { display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; }
.study-quiz .sq-end p { margin: 0; font-weight: bold; }
.study-quiz button { font: inherit; color: inherit; background: none; padding: .2rem .8rem; cursor: pointer;
  border: 1px solid currentColor; border-radius: 4px; }"""

# The quiz works without it. It runs once for each quiz on the page, whether or not there are others.
SCRIPT = r"""(() => {
  const start = (quiz) => {
    const say = quiz.dataset;
    const questions = [...quiz.querySelectorAll("fieldset")];
    const end = quiz.querySelector(".sq-end");
    const score = end.querySelector("p");
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = say.again;

    const show = () => {
      const answered = questions.filter((question) => question.dataset.first);
      const right = answered.filter((question) => question.dataset.first === "right");
      const fill = { right: right.length, answered: answered.length, all: questions.length };
      score.textContent = answered.length ? say.score.replace(/\{(\w+)\}/g, (_, name) => fill[name]) : "";
      again.hidden = answered.length === 0;
    };
    // "toggle" does not bubble, so it is caught on its way down. Only the first choice opened counts as the answer.
    quiz.addEventListener("toggle", ({ target }) => {
      const question = target.closest("fieldset");
      if (!question || !target.open || question.dataset.first) return;
      const right = target.querySelector(".sq-right") !== null;
      question.dataset.first = right ? "right" : "wrong";
      const mark = document.createElement("span");
      mark.className = "sq-first";
      mark.textContent = right ? say.right : say.wrong;
      target.querySelector("summary").append(" ", mark);
      show();
    }, true);
    again.addEventListener("click", () => {
      quiz.querySelectorAll(".sq-first").forEach((mark) => mark.remove());
      quiz.querySelectorAll("details[open]").forEach((choice) => { choice.open = false; });
      questions.forEach((question) => { delete question.dataset.first; });
      show();
      quiz.querySelector("summary").focus();
    });
    end.append(again);
    show();
  };
  document.querySelectorAll(".study-quiz[data-score]:not([data-live])").forEach((quiz) => {
    quiz.dataset.live = "";
    start(quiz);
  });
})();"""
