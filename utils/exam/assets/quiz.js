// Keeps the score of every quiz on the page that does not have one yet. The quiz works without it.
(() => {
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
  document.querySelectorAll(".study-quiz:not([data-live])").forEach((quiz) => {
    quiz.dataset.live = "";
    start(quiz);
  });
})();
