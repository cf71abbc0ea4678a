"""Small dialogues about a trip, made from templates, in English and Japanese.

The first turn names a city, the last one asks what to eat or what to see "there", and between them the two chat about
nothing in particular. So the reply depends on the first turn AND on the last one; it has two right contents (two
dishes, two sights) and three ways to be said, that is six right replies. No dish or sight belongs to two cities, no
turn but the first names the city, and all cities are equally frequent: whoever reads the last turn alone is right in
one dialogue out of eight at best.
"""

from typing import NamedTuple

import numpy as np

from utils.numpy_layers.checks import positive_int
from utils.text import batches, tokens
from utils.text.vocabulary import Vocabulary

# city -> (its name, two dishes, two sights), in English and in Japanese
PLACES = {
    "sapporo": {
        "en": ("sapporo", ("soup curry", "grilled lamb"), ("clock tower", "beer museum")),
        "ja": ("札幌", ("スープカレー", "ジンギスカン"), ("時計台", "ビール博物館")),
    },
    "sendai": {
        "en": ("sendai", ("beef tongue", "green soybean cake"), ("castle ruins", "zuihoden mausoleum")),
        "ja": ("仙台", ("牛タン", "ずんだ餅"), ("仙台城跡", "瑞鳳殿")),
    },
    "nagoya": {
        "en": ("nagoya", ("miso cutlet", "grilled eel"), ("atsuta shrine", "railway museum")),
        "ja": ("名古屋", ("味噌カツ", "ひつまぶし"), ("熱田神宮", "リニア・鉄道館")),
    },
    "kyoto": {
        "en": ("kyoto", ("boiled tofu", "matcha parfait"), ("golden pavilion", "bamboo grove")),
        "ja": ("京都", ("湯豆腐", "抹茶パフェ"), ("金閣寺", "竹林の小径")),
    },
    "osaka": {
        "en": ("osaka", ("takoyaki", "fried skewers"), ("dotonbori canal", "aquarium")),
        "ja": ("大阪", ("たこ焼き", "串カツ"), ("道頓堀", "海遊館")),
    },
    "hiroshima": {
        "en": ("hiroshima", ("oysters", "maple leaf cake"), ("peace park", "miyajima gate")),
        "ja": ("広島", ("牡蠣", "もみじ饅頭"), ("平和記念公園", "宮島")),
    },
    "fukuoka": {
        "en": ("fukuoka", ("pork bone ramen", "spicy cod roe"), ("dazaifu shrine", "lake park")),
        "ja": ("福岡", ("豚骨ラーメン", "明太子"), ("太宰府天満宮", "大濠公園")),
    },
    "naha": {
        "en": ("naha", ("soki soba", "bitter melon"), ("shuri castle", "shopping street")),
        "ja": ("那覇", ("ソーキそば", "ゴーヤーチャンプルー"), ("首里城", "国際通り")),
    },
}
TEMPLATES = {
    "en": {
        "first": (
            "i am going to {} next week .",
            "next month i will be in {} .",
            "i have a ticket to {} !",
            "my trip to {} starts tomorrow .",
            "soon i will visit {} .",
        ),
        "answer": ("how nice !", "lucky you .", "that sounds good .", "i am jealous .", "oh , really ?"),
        "chat": ("it is my first time .", "i can stay two days .", "a friend comes with me .", "i need a holiday ."),
        "last": {
            "eat": ("what should i eat there ?", "which food is good there ?", "what is the local dish ?"),
            "see": ("what should i see there ?", "which sights are good there ?", "where should i go first ?"),
        },
        "reply": {
            "eat": ("try the {} .", "people love the {} there .", "i always order {} ."),
            "see": ("go to the {} .", "visitors like the {} most .", "do not miss the {} ."),
        },
    },
    "ja": {
        "first": (
            "来週{}に行きます。",
            "来月は{}にいます。",
            "{}行きのチケットを取りました。",
            "明日から{}へ旅行します。",
            "もうすぐ{}に行くんです。",
        ),
        "answer": ("いいですね。", "うらやましいです。", "楽しみですね。", "いいなあ。", "そうなんですか。"),
        "chat": ("初めて行くんです。", "二日間です。", "友達も一緒です。", "久しぶりの休みです。"),
        "last": {
            "eat": ("何を食べたらいいですか。", "おいしいものは何ですか。", "名物は何ですか。"),
            "see": ("どこを見たらいいですか。", "見どころはどこですか。", "まずどこへ行けばいいですか。"),
        },
        "reply": {
            "eat": ("{}がおすすめです。", "ぜひ{}を食べてください。", "やっぱり{}でしょう。"),
            "see": ("{}は外せません。", "まずは{}へどうぞ。", "人気なのは{}です。"),
        },
    },
}
LENGTHS = (3, 5)  # turns before the reply


class Dialogue(NamedTuple):
    """turns: texts of the turns so far, oldest first. reply: one right reply. right: all of them. city, question."""

    turns: tuple[str, ...]
    reply: str
    right: tuple[str, ...]
    city: str
    question: str


class Arrays(NamedTuple):
    """Dialogues as whole numbers, `PAD` at the end of every axis that is not filled.

    turns: (N, U, T), the words of each turn, without BOS and EOS. reply_in: (N, R), BOS and the reply. reply_out:
    (N, R), the reply and EOS.
    """

    turns: np.ndarray
    reply_in: np.ndarray
    reply_out: np.ndarray


def right_replies(city, question, lang="en"):
    """The six right replies.

    Args:
        city: one of PLACES.  question: "eat" or "see".  lang: "en" or "ja".

    Raises:
        ValueError: for an unknown name.
    """
    templates = _templates(lang)
    if city not in PLACES:
        raise ValueError(f"city must be one of {', '.join(PLACES)}; got {city!r}")
    if question not in templates["reply"]:
        raise ValueError(f"question must be 'eat' or 'see', got {question!r}")
    _, dishes, sights = PLACES[city][lang]
    things = dishes if question == "eat" else sights
    return tuple(template.format(thing) for template in templates["reply"][question] for thing in things)


def make(count, lang="en", seed=0, apart_from=()):
    """Draw dialogues: all turns and the reply at random, the cities in equal numbers.

    Args:
        count: how many.
        lang: "en" (words, see `tokens.words`) or "ja" (characters).
        seed: of the draws.
        apart_from: dialogues whose turns must not occur again, for instance the training part.

    Returns:
        list of `Dialogue`; the same turns may occur more than once, with different replies.

    Raises:
        TypeError, ValueError: for a count below 1 or an unknown language.
    """
    count = positive_int("count", count)
    templates, rng, taken = _templates(lang), np.random.default_rng(seed), {other.turns for other in apart_from}

    def one_of(choices):
        return choices[rng.integers(len(choices))]

    made, tries = [], 0
    while len(made) < count:
        city = list(PLACES)[len(made) % len(PLACES)]
        question = one_of(("eat", "see"))
        turns = [one_of(templates["first"]).format(PLACES[city][lang][0]), one_of(templates["answer"])]
        if one_of(LENGTHS) == 5:
            turns += [one_of(templates["chat"]), one_of(templates["answer"])]
        turns.append(one_of(templates["last"][question]))
        tries += 1
        if tuple(turns) in taken:
            if tries > 100 * count:
                raise ValueError(f"only {len(made)} of {count} new dialogues found: `apart_from` holds too many")
            continue
        right = right_replies(city, question, lang)
        made.append(Dialogue(tuple(turns), one_of(right), right, city, question))
    return made


def vocabulary(dialogues, lang="en"):
    """Vocabulary of all turns and replies: words in English, characters in Japanese.

    Raises:
        ValueError: for an unknown language.
    """
    _templates(lang)
    texts = [text for dialogue in dialogues for text in (*dialogue.turns, dialogue.reply)]
    return Vocabulary.from_texts(texts, tokens.words if lang == "en" else tokens.characters)


def turn_array(dialogues, vocabulary, turns=None, length=None):
    """The turns of some dialogues -> (N, U, T) int32; shorter dialogues end in turns of `PAD` alone.

    Args:
        dialogues: lists of texts, or `Dialogue`s.
        vocabulary: of `vocabulary`.
        turns, length: U and T; None for the longest.

    Raises:
        TypeError: if a dialogue is a single text.
        ValueError: if a turn or a dialogue is empty or longer than the array.
    """
    texts = [getattr(dialogue, "turns", dialogue) for dialogue in dialogues]
    if not texts or not all(texts):
        raise ValueError("give at least one dialogue, and at least one turn in each")
    single = next((row for row in texts if isinstance(row, str)), None)
    if single is not None:
        raise TypeError(f"a dialogue is a list of turns, got the single text {single!r}: give [[turn, turn, …], …]")
    most = max(len(row) for row in texts)
    turns = most if turns is None else turns
    if most > turns:
        raise ValueError(f"a dialogue has {most} turns, more than turns={turns}: leave out its oldest, or raise turns")
    flat = batches.pad([vocabulary.encode(turn) for row in texts for turn in row], length)
    array = np.zeros((len(texts), turns, flat.shape[1]), np.int32)
    done = 0
    for i, row in enumerate(texts):
        array[i, : len(row)] = flat[done : done + len(row)]
        done += len(row)
    return array


def arrays(dialogues, vocabulary):
    """Dialogues -> `Arrays`.

    Raises:
        ValueError: if there is no dialogue, or an empty turn.
    """
    replies = batches.pad([vocabulary.encode(dialogue.reply, bos=True, eos=True) for dialogue in dialogues])
    return Arrays(turn_array(dialogues, vocabulary), *batches.teacher_forcing(replies))


def _templates(lang):
    if lang not in TEMPLATES:
        raise ValueError(f"lang must be 'en' or 'ja', got {lang!r}")
    return TEMPLATES[lang]
