"""How good are the sentences? Exact match, and the two scores of machine translation, computed by sacrebleu."""


def exact_match(predictions, references):
    """Share of predictions that equal their reference, 0 to 1.

    Raises:
        TypeError, ValueError: if the two are not lists of as many texts, at least one.
    """
    predictions, references = _pairs(predictions, references)
    return sum(p == r for p, r in zip(predictions, references, strict=True)) / len(references)


def chrf(predictions, references):
    """chrF of a whole set, 0 to 100: F-score (β = 2) of the character n-grams up to n = 6 (Popović 2015).

    Needs no words, so it suits Japanese. sacrebleu's corpus score, not a mean over sentences.

    Raises:
        TypeError, ValueError: if the two are not lists of as many texts, at least one.
    """
    import sacrebleu

    predictions, references = _pairs(predictions, references)
    return sacrebleu.corpus_chrf(predictions, [references]).score


def bleu_char(predictions, references):
    """BLEU over characters of a whole set, 0 to 100 (Papineni et al. 2002), n-grams up to n = 4, tokenize="char".

    Japanese has no spaces: BLEU over "words" would take a whole sentence for one. Not comparable with BLEU over words.

    Raises:
        TypeError, ValueError: if the two are not lists of as many texts, at least one.
    """
    import sacrebleu

    predictions, references = _pairs(predictions, references)
    return sacrebleu.corpus_bleu(predictions, [references], tokenize="char", force=True).score


def _pairs(predictions, references):
    for name, texts in (("predictions", predictions), ("references", references)):
        if isinstance(texts, str):
            raise TypeError(f"{name} must be a list of texts, got the single text {texts!r}")
    predictions, references = list(predictions), list(references)
    for name, texts in (("predictions", predictions), ("references", references)):
        wrong = [text for text in texts if not isinstance(text, str)]
        if wrong:
            raise TypeError(f"{name} must be texts (decode the numbers first), got {wrong[0]!r}")
    if len(predictions) != len(references) or not references:
        raise ValueError(
            f"give as many predictions as references, at least one; got {len(predictions)} and {len(references)}"
        )
    return predictions, references
