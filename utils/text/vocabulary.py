"""Numbers for tokens. Four numbers are the same in every vocabulary: filling, begin, end, unknown."""

import operator
from collections import Counter

from utils.text.tokens import characters

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


class Vocabulary:
    """A numbered list of tokens.

    Args:
        tokens: the tokens, each once; they get the numbers 4, 5, …
        tokenize: function from a text to its tokens.
        separator: what `decode` writes between two tokens; None for nothing after `characters`, else a space.

    Attributes:
        tokens: tuple of all tokens; `tokens[i]` is the token with the number i, and the first four are `SPECIAL`.

    Raises:
        TypeError: if a token is no str.  ValueError: if one is empty, given twice or one of `SPECIAL`.
    """

    def __init__(self, tokens, tokenize=characters, separator=None):
        tokens = tuple(tokens)
        for token in tokens:
            if not isinstance(token, str):
                raise TypeError(f"a token must be a str, got {token!r}")
        wrong = [token for token, count in Counter(tokens).items() if count > 1 or not token or token in SPECIAL]
        if wrong:
            raise ValueError(f"each token once, none empty and none of {', '.join(SPECIAL)}; got {wrong[0]!r}")
        self.tokens = SPECIAL + tokens
        self.tokenize = tokenize
        self.separator = separator if separator is not None else "" if tokenize is characters else " "
        self._ids = {token: i for i, token in enumerate(self.tokens)}

    @classmethod
    def from_texts(cls, texts, tokenize=characters, min_count=1):
        """All tokens that occur at least `min_count` times, the frequent ones first (ties in the order of their code).

        Take the training texts alone. With `min_count=2` the rare words become `UNK`, so that a network learns during
        training what to make of a word that it does not know.

        Raises:
            TypeError: if `texts` is a single str.  ValueError: if nothing is left.
        """
        if isinstance(texts, str):
            raise TypeError(f"texts must be several texts, got the single text {texts!r}; use [text]")
        counts = Counter(token for text in texts for token in tokenize(text))
        kept = sorted((t for t in counts if counts[t] >= min_count and t not in SPECIAL), key=lambda t: (-counts[t], t))
        if not kept:
            raise ValueError(f"no token occurs {min_count} times: give more texts or a smaller min_count")
        return cls(kept, tokenize)

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self._ids

    def __repr__(self):
        return f"Vocabulary({len(self):,} tokens, {len(SPECIAL)} of them special)"

    def encode(self, text, bos=False, eos=False):
        """Text -> list of numbers; a token that is not in the vocabulary becomes `UNK`, an empty text no number.

        Args:
            text: str.
            bos, eos: put `BOS` in front, `EOS` at the end.

        Raises:
            TypeError: if `text` is no str.
        """
        ids = [self._ids.get(token, UNK) for token in self.tokenize(text)]
        return [BOS] * bool(bos) + ids + [EOS] * bool(eos)

    def decode(self, ids):
        """Numbers -> text: up to the first `EOS`, without `PAD` and `BOS`; `UNK` is written as "<unk>".

        Args:
            ids: numbers in a row: a list or an array with one axis.

        Raises:
            TypeError: if they are no whole numbers.  ValueError: if one is not in the vocabulary.
        """
        found = []
        for i in ids:
            try:
                i = operator.index(i)
            except TypeError:
                raise TypeError(f"decode needs whole numbers of one text, one axis; got {i!r}") from None
            if not 0 <= i < len(self.tokens):
                raise ValueError(f"number {i} is not in this vocabulary of {len(self)} tokens (0 to {len(self) - 1})")
            if i == EOS:
                break
            if i not in (PAD, BOS):
                found.append(self.tokens[i])
        return self.separator.join(found)
