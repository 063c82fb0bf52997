"""The words of the sample marketplace: names, places, titles, sentences.

Belongs here: vocabularies only.
"""

from __future__ import annotations

_GIVEN_FAMILY = (
    (
        "Ada Amir Bea Carl Dana Eli Fay Gus Hana Ivo Jade Kim Lena Max Nora Otis Pia Quinn Rosa Sam Tess Uma Vic Wren",
        "Abbot Barlow Cole Drake Ellery Finch Grove Hale Ingram Joyner Keel Lark Moss Nash Oakes Penn Quill Reeve "
        "Stone Thorne Upton Vale Wick York",
    ),
    (
        "Zoë Siân Björn Chloé José Łukasz Søren Müge Ørjan Nuño Šárka Åse",
        "O'Rourke D'Angelis Müllerin Žižkova Peña Çelikel Dvořáček Ngô-Lê Ångberg Núñez-Sol L'Écuyer Østgard",
    ),
    ("Алина Борис Вера Глеб Дарья Ефим Зоя Игорь", "Ветрова Громов Заречная Лесков Морозко Речной Снежная Тихий"),
    ("نور سامي ليلى كريم هدى ياسر", "الشمسي الربيعي البحري النجار القمري السهلي"),
)
_JOINED = (
    ("佐藤 高橋 林", "明月 あおい ひなた"),
    ("王 李 陈", "大山 星河 静"),
    ("김 이 박", "하늘 바다 보람"),
)
_ODD = ('Bo "Ace" Delmar', 'Ray "the Wall" Okoro', "🦊 Foxy Lane", "Mia 🏀", "Jean-Luc  Doublespace", "=Nova Star", "X")


def names() -> list[str]:
    """Returns full names in several scripts; the plain ones come first."""
    spaced = [f"{a} {b}" for given, family in _GIVEN_FAMILY for a in given.split() for b in family.split()]
    joined = [f"{a}{b}" for family, given in _JOINED for a in family.split() for b in given.split()]
    return spaced + joined + list(_ODD)


def name_weights() -> list[float]:
    """Returns how common each of `names` is: mostly plain Latin names, odd ones rarely."""
    sizes = [len(given.split()) * len(family.split()) for given, family in _GIVEN_FAMILY]
    sizes.append(sum(len(a.split()) * len(b.split()) for a, b in _JOINED))
    sizes.append(len(_ODD))
    shares = (0.7, 0.12, 0.07, 0.04, 0.055, 0.015)
    return [share / size for share, size in zip(shares, sizes, strict=True) for _ in range(size)]


COMPANY_FIRST = (
    "Acorn", "Blue Kite", "Cobalt", "Driftwood", "Ember", "Fjord", "Garnet", "Hollow Oak", "Iris & Sons", "Juniper",
    "Kestrel", "Lumen", "Mårten", "North/South", "Öresund", "Pine \"Peak\"", "Quartz", "Río Claro", "Sólo", "Tundra",
    "東風", "Восход", "النخبة", "O'Hara's", "=Equal",
)  # fmt: skip
COMPANY_LAST = (
    "Sportswear", "Nutrition", "Foods, Inc.", "Games", "Travel", "Apparel", "Audio", "Fitness", "Motors", "Cosmetics",
    "Labs", "Drinks", "Outdoor", "Media",
)  # fmt: skip
INDUSTRIES = (
    "sportswear", "nutrition", "food & drink", "gaming", "travel", "fashion", "consumer electronics", "fitness",
    "automotive", "beauty", "finance", "education",
)  # fmt: skip
CITIES = (
    "Austin, TX", "Boise, ID", "Chicago, IL", "Denver, CO", "El Paso, TX", "Fresno, CA", "London", "Berlin",
    "São Paulo", "Kraków", "Zürich", "Αθήνα", "東京", "Київ", "القاهرة", "Remote",
)  # fmt: skip
CATEGORIES = ("fitness", "food", "fashion", "gaming", "travel", "tech", "beauty", "lifestyle", "music", "family")
INFLUENCER_TYPES = ("athlete", "creator", "streamer", "coach", "artist", "student athlete")
SPORTS = ("basketball", "football", "soccer", "track & field", "swimming", "tennis", "climbing", "esports")
SPECIALTIES = ("athletes", "local brands", "college sports", "esports", "beauty", "food", "crypto", "music")
PERMISSIONS = ("users.read", "users.write", "payouts.approve", "disputes.resolve", "content.moderate")
PLATFORMS = ("instagram", "tiktok", "youtube", "twitter", "facebook")
DELIVERABLES = ("1 reel", "2 stories", "1 post", "1 video, 60 s", "live stream", "3 photos", "podcast mention")
REQUIREMENTS = ("18 or older", "tag the brand", "no competing brands", "draft before posting", 'say "ad" at the start')
GIG_WHAT = (
    "Launch",
    "Season opener",
    "Unboxing",
    "Taste test",
    "Try-on",
    "Training day",
    "Giveaway",
    "Day in the life",
)
GIG_FOR = ("spring line", "new flavour", "winter collection", "app update", "local store", "anniversary", "team kit")
TAGS = ("vip", "follow-up", "met at event", "college", "pro", "referral", "local", 'niche: "micro"', "a,b", "{braces}")
NOTES = (
    "Met at the trade fair.", "Prefers e-mail; call after 5 pm.", "Asked for rates, twice.", "Said \"maybe later\".",
    "Line one\nline two", "Tab\tseparated", "C:\\contacts\\old", "Ünïcödé ✓",
)  # fmt: skip
MESSAGES = (
    "Hi! Is this still open?", "Yes, happy to talk.", "What is the timeline?", "Two weeks from signing.",
    "Could you send last month's numbers?", "Attached.", "Perfect, thanks 🙌", "Let me check with the team.",
    "The draft is up: https://drafts.example.com/view", "Looks great, one small change.", "Готово!",
    "了解です。", "تمام", "She said \"go\", so let's go.", "First line\nSecond line", "👍",
    "When will the payment arrive?", "It is on its way.",
)  # fmt: skip
REVIEWS = (
    "Clear brief, fair pay.", "Paid late again.", "Great to work with!", "Answers quickly.", "Good, not great.",
    "Would do it again 💯", "The money took weeks.", "Professional from start to finish.", "Отлично",
    "とても良い", "ممتاز", "\"As agreed\" meant something else to them.", "",
)  # fmt: skip
BIOS = (
    "Runs before sunrise, posts after.", "Small team, big plans.", "Ex-pro; now coaching & creating.",
    "Food, film, folk.", "I review shoes. Only shoes.", "Ask me about \"niche\" sports.", "Мама, тренер, блогер",
    "旅と写真", "",
)  # fmt: skip
DISPUTES = ("work not as agreed", "posted late", "post removed early", "wrong product tagged", "no proof of posting")
REFUSALS = ("bank refused the transfer", "destination account closed", "limit exceeded")
INVITE_TEXTS = (
    "I work with people like you and think you would do well here. Join with my code.",
    "Brands in your city are looking for partners. Here is my code.",
    "Following up on our talk: the sign-up takes two minutes.",
)
TEMPLATES = (
    ("Warm welcome", "Let's work together", "A warm hello, and how it works."),
    ("Numbers first", "What athletes earned last month", "Facts and figures, then the code."),
    ("Local hero", "Brands near you", "Shops in your town want to meet you."),
)
BROWSERS = ("Mozilla/5.0 (sample; Linux)", "Mozilla/5.0 (sample; Android)", "Mozilla/5.0 (sample; iOS)")
