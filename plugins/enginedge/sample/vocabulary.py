"""The words that the sample is written in. The order matters: the earlier a word, the more often it is drawn."""

from __future__ import annotations

from random import Random

from enginedge.sample.skew import favourite

GIVEN = (
    "Anna",
    "Wei",
    "José",
    "Fatima",
    "Lukas",
    "Priya",
    "Oluwaseun",
    "Zoë",
    "Søren",
    "Ngọc",
    "Björk",
    "Мария",
    "Łukasz",
    "Renée",
)
FAMILY = (
    "Schmidt",
    "Wang",
    "García",
    "Nguyễn",
    "O'Brien",
    "Okafor",
    "Müller",
    "Ivanova",
    "Kowalski",
    "d'Arc",
    "Sørensen",
    "Tanaka",
)
COUNTRIES = ("DE", "US", "IN", "GB", "FR", "BR", "NG", "PL", "VN", "JP", "ES", "CA", "SE", "AE", "NZ")
PLANS = ("free", "free", "pro", "team")
COMPANIES = (
    "Acme Cloud",
    "Globex",
    "Initech",
    "Hooli",
    "Umbrella Health",
    "Stark Industries",
    "Wayne Logistics",
    "Soylent Foods",
    "Tyrell Robotics",
    "Cyberdyne",
    "Wonka Labs",
    "Vandelay Imports",
    "Pied Piper",
    "Massive Dynamic",
    "Aperture",
    "Gringotts Bank",
)
ROLES = (
    "Data Engineer",
    "Software Engineer",
    "Product Manager",
    "Site Reliability Engineer",
    "Machine Learning Engineer",
    "Designer",
    "Security Engineer",
    "QA Engineer",
    "Technical Writer",
    "Engineering Manager",
)
SKILLS = (
    "python",
    "sql",
    "kubernetes",
    "java",
    "spark",
    "airflow",
    "go",
    "terraform",
    "kafka",
    "react",
    "rust",
    "mongodb",
    "postgresql",
    "trino",
    "c++",
    "communication",
)
TOPICS = (
    "ai",
    "hiring",
    "markets",
    "startups",
    "salaries",
    "remote-work",
    "layoffs",
    "visas",
    "education",
    "policy",
    "diversity",
    "robotics",
)
LANGUAGES = ("en", "en", "en", "de", "es", "fr", "zh", "ar", "hi", "he")
OUTLETS = (
    "The Daily Ledger",
    "Tech Herald",
    "Morgenpost",
    "Le Quotidien",
    "El Diario",
    "Career Weekly",
    "新闻周刊",
    "الصحيفة",
)
ASSISTANTS = ("coach", "resume-writer", "mock-interviewer")
MODELS = ("edge-large", "edge-small", "edge-reasoning", "edge-legacy")
CHATS = (
    "interview preparation",
    "salary negotiation",
    "resume review",
    "career change",
    "cover letter",
    "system design",
    "rejection",
    "small talk",
)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Europe/London",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Africa/Lagos",
    "Australia/Sydney",
    "UTC",
)
WORDS = (
    "the team",
    "hiring",
    "engineers",
    "last quarter",
    "remote work",
    "a new model",
    "the market",
    "interviews",
    "candidates",
    "salaries",
    "according to the report",
    "investors",
    "the regulator",
    "open source",
    "automation",
    "skills",
    "the company",
    "has grown",
    "expects",
    "announced",
    "was delayed",
    "rose by a tenth",
    "fell sharply",
    "remains strong",
    "is under review",
)
STRANGE = (
    "👩‍💻🚀 naïve café",  # joined emoji, accents
    "e\u0301cole Zalgo t\u0335e\u0335x\u0335t\u0335",  # combining marks
    "مرحبا بالعالم ‏(RTL)‏ שלום",  # right to left, with its marks
    "数据工程师，面试通过。𠮷野家",  # CJK, one beyond the basic plane
    "quotes \" ' ` and \\ backslash",
    "two lines\nand a\ttab, and\r\na third",
    "line separator\u2028inside\u0085and zero\u200bwidth\ufeff",
    "; DROP TABLE users;-- ${jndi} <b>&amp;</b> %s {0}",
)


def sentence(chance: Random, words: int) -> str:
    """About ``words`` phrases that look like prose from far away."""
    text = " ".join(favourite(chance, WORDS) if chance.random() < 0.5 else chance.choice(WORDS) for _ in range(words))
    return text[:1].upper() + text[1:] + "."


def paragraph(chance: Random, sentences: int) -> str:
    """Some sentences."""
    return " ".join(sentence(chance, 4 + int(chance.random() * 6)) for _ in range(sentences))


def strange(chance: Random) -> str:
    """A text that breaks whoever believes that text is ASCII on one line."""
    return chance.choice(STRANGE)


def full_name(chance: Random) -> str:
    """A person's name, often not in ASCII."""
    return f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
