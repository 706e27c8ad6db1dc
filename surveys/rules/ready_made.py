"""Surveys to begin with, in six languages: what is asked is data, so that a new one is a few lines here.

The order of each question's words: English, Italian, Malay, Spanish, German, French.
"""

from dataclasses import dataclass
from typing import Any

LANGUAGES = ("en", "it", "ms", "es", "de", "fr")
Words = tuple[str, str, str, str, str, str]


def said(words: Words) -> dict[str, str]:
    return dict(zip(LANGUAGES, words, strict=True))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as templates and the bank have it."""

    key: str
    kind: str
    words: Words
    has_comment: bool = False
    options: tuple[tuple[str, Words], ...] = ()
    branch: tuple[str, tuple[Any, ...]] | None = None

    def as_question(self, scale: str = "0-10") -> dict[str, Any]:
        """As ``operations.revise_questions`` takes it."""
        return {
            "key": self.key,
            "kind": self.kind,
            "texts": said(self.words),
            "options": [{"key": key, "texts": said(words)} for key, words in self.options],
            "scale": scale if self.kind == "enps" else "0-10",
            "is_required": False,
            "has_comment": self.has_comment,
            "branch": {"key": self.branch[0], "values": list(self.branch[1])} if self.branch else {},
        }


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """``every`` is how often it is meant to be asked; empty: once."""

    key: str
    kind: str
    title: Words
    purpose: str
    questions: tuple[Asked, ...]
    every: str = ""
    rotates: int = 0

    def asked(self, scale: str = "0-10") -> list[dict[str, Any]]:
        return [question.as_question(scale) for question in self.questions]


RECOMMEND = Asked(
    "score",
    "enps",
    (
        "How likely are you to recommend our company as a place to work?",
        "Con quale probabilità consiglieresti la nostra azienda come posto di lavoro?",
        "Sejauh manakah anda akan mengesyorkan syarikat kita sebagai tempat bekerja?",
        "¿Con qué probabilidad recomendarías nuestra empresa como lugar de trabajo?",
        "Wie wahrscheinlich ist es, dass Sie unser Unternehmen als Arbeitgeber weiterempfehlen?",
        "Quelle est la probabilité que vous recommandiez notre entreprise comme lieu de travail ?",
    ),
    has_comment=True,
)


def _agreed(key: str, *words: str) -> Asked:
    english, italian, malay, spanish, german, french = words
    return Asked(key, "agreement", (english, italian, malay, spanish, german, french))


WORKLOAD = _agreed(
    "workload",
    "My workload is manageable.",
    "Il mio carico di lavoro è sostenibile.",
    "Beban kerja saya boleh diurus.",
    "Mi carga de trabajo es asumible.",
    "Meine Arbeit ist gut zu schaffen.",
    "Ma charge de travail est supportable.",
)
RECOGNITION = _agreed(
    "recognition",
    "Good work is noticed here.",
    "Qui il lavoro ben fatto viene notato.",
    "Kerja yang baik dihargai di sini.",
    "Aquí se reconoce el buen trabajo.",
    "Gute Arbeit wird hier gesehen.",
    "Ici, le travail bien fait est remarqué.",
)
CLARITY = _agreed(
    "clarity",
    "I know what is expected of me.",
    "So che cosa ci si aspetta da me.",
    "Saya tahu apa yang diharapkan daripada saya.",
    "Sé lo que se espera de mí.",
    "Ich weiß, was von mir erwartet wird.",
    "Je sais ce que l’on attend de moi.",
)
SUPPORT = _agreed(
    "support",
    "I get help when I need it.",
    "Ricevo aiuto quando ne ho bisogno.",
    "Saya mendapat bantuan apabila saya memerlukannya.",
    "Recibo ayuda cuando la necesito.",
    "Ich bekomme Hilfe, wenn ich sie brauche.",
    "Je reçois de l’aide quand j’en ai besoin.",
)
GROWTH = _agreed(
    "growth",
    "I can learn and develop here.",
    "Qui posso imparare e crescere.",
    "Saya boleh belajar dan berkembang di sini.",
    "Aquí puedo aprender y desarrollarme.",
    "Ich kann hier lernen und mich entwickeln.",
    "Je peux apprendre et progresser ici.",
)
VOICE = _agreed(
    "voice",
    "I can say what I think.",
    "Posso dire quello che penso.",
    "Saya boleh menyuarakan pendapat saya.",
    "Puedo decir lo que pienso.",
    "Ich kann sagen, was ich denke.",
    "Je peux dire ce que je pense.",
)
TOOLS = _agreed(
    "tools",
    "I have what I need to do my work well.",
    "Ho ciò che mi serve per lavorare bene.",
    "Saya mempunyai apa yang diperlukan untuk bekerja dengan baik.",
    "Tengo lo que necesito para hacer bien mi trabajo.",
    "Ich habe, was ich für gute Arbeit brauche.",
    "J’ai ce qu’il me faut pour bien travailler.",
)
BALANCE = _agreed(
    "balance",
    "Work leaves me enough time for my life.",
    "Il lavoro mi lascia abbastanza tempo per la mia vita.",
    "Kerja memberi saya cukup masa untuk kehidupan saya.",
    "El trabajo me deja tiempo suficiente para mi vida.",
    "Die Arbeit lässt mir genug Zeit für mein Leben.",
    "Le travail me laisse assez de temps pour ma vie.",
)
ENERGY = _agreed(
    "energy",
    "At the end of a day I still have energy left.",
    "A fine giornata mi resta ancora energia.",
    "Pada penghujung hari saya masih bertenaga.",
    "Al final del día aún me queda energía.",
    "Am Ende des Tages habe ich noch Kraft.",
    "À la fin de la journée, il me reste de l’énergie.",
)
TEAM = _agreed(
    "team",
    "My team works well together.",
    "La mia squadra lavora bene insieme.",
    "Pasukan saya bekerjasama dengan baik.",
    "Mi equipo trabaja bien junto.",
    "Mein Team arbeitet gut zusammen.",
    "Mon équipe travaille bien ensemble.",
)
MANAGER = _agreed(
    "manager",
    "My manager takes time for me.",
    "Chi mi guida trova il tempo per me.",
    "Pengurus saya meluangkan masa untuk saya.",
    "Mi responsable me dedica tiempo.",
    "Meine Führungskraft nimmt sich Zeit für mich.",
    "Mon responsable prend du temps pour moi.",
)
DIRECTION = _agreed(
    "direction",
    "I understand where our company is going.",
    "Capisco dove sta andando la nostra azienda.",
    "Saya faham hala tuju syarikat kita.",
    "Entiendo hacia dónde va nuestra empresa.",
    "Ich verstehe, wohin sich unser Unternehmen bewegt.",
    "Je comprends où va notre entreprise.",
)
WELCOME = _agreed(
    "welcome",
    "I was made welcome here.",
    "Mi hanno accolto bene.",
    "Saya disambut dengan baik di sini.",
    "Me han acogido bien.",
    "Ich wurde hier gut aufgenommen.",
    "J’ai été bien accueilli ici.",
)
AS_PROMISED = _agreed(
    "as-promised",
    "The work is what I was told it would be.",
    "Il lavoro è come mi era stato descritto.",
    "Kerja ini seperti yang diberitahu kepada saya.",
    "El trabajo es como me lo describieron.",
    "Die Arbeit ist so, wie sie mir beschrieben wurde.",
    "Le travail est tel qu’on me l’avait décrit.",
)
CHANGE_REASON = _agreed(
    "change-reason",
    "I understand why this change was made.",
    "Capisco perché è stato fatto questo cambiamento.",
    "Saya faham mengapa perubahan ini dibuat.",
    "Entiendo por qué se hizo este cambio.",
    "Ich verstehe, warum es diese Veränderung gab.",
    "Je comprends pourquoi ce changement a été fait.",
)
CHANGE_INFORMED = _agreed(
    "change-informed",
    "I was told of it in good time.",
    "Ne sono stato informato per tempo.",
    "Saya dimaklumkan tepat pada masanya.",
    "Me informaron con tiempo.",
    "Ich wurde rechtzeitig informiert.",
    "J’en ai été informé à temps.",
)
CHANGE_BETTER = Asked(
    "change-better",
    "single",
    (
        "How is your work now, compared with before?",
        "Com’è ora il tuo lavoro, rispetto a prima?",
        "Bagaimanakah kerja anda sekarang berbanding dahulu?",
        "¿Cómo es ahora tu trabajo, comparado con antes?",
        "Wie ist Ihre Arbeit jetzt, verglichen mit vorher?",
        "Comment est votre travail maintenant, par rapport à avant ?",
    ),
    options=(
        ("better", ("Better", "Migliore", "Lebih baik", "Mejor", "Besser", "Mieux")),
        (
            "same",
            ("About the same", "Più o meno uguale", "Lebih kurang sama", "Más o menos igual", "Etwa gleich", "À peu près pareil"),
        ),
        ("worse", ("Worse", "Peggiore", "Lebih teruk", "Peor", "Schlechter", "Moins bien")),
    ),
)
CHANGE_WORSE = Asked(
    "change-worse",
    "text",
    (
        "What would make it better again?",
        "Che cosa lo farebbe migliorare di nuovo?",
        "Apakah yang boleh memperbaikinya semula?",
        "¿Qué lo mejoraría de nuevo?",
        "Was würde sie wieder besser machen?",
        "Qu’est-ce qui l’améliorerait à nouveau ?",
    ),
    branch=("change-better", ("worse",)),
)
WISH = Asked(
    "wish",
    "text",
    (
        "What is the one thing we should change?",
        "Qual è l’unica cosa che dovremmo cambiare?",
        "Apakah satu perkara yang patut kita ubah?",
        "¿Qué es lo único que deberíamos cambiar?",
        "Was sollten wir als Erstes ändern?",
        "Quelle est la chose que nous devrions changer ?",
    ),
)
LEAVING = Asked(
    "leaving",
    "multiple",
    (
        "Why are you leaving?",
        "Perché te ne vai?",
        "Mengapa anda meninggalkan syarikat?",
        "¿Por qué te vas?",
        "Warum verlassen Sie uns?",
        "Pourquoi partez-vous ?",
    ),
    options=(
        ("pay", ("Pay", "Retribuzione", "Gaji", "Sueldo", "Bezahlung", "Salaire")),
        (
            "work",
            (
                "The work itself",
                "Il lavoro in sé",
                "Kerja itu sendiri",
                "El trabajo en sí",
                "Die Arbeit selbst",
                "Le travail lui-même",
            ),
        ),
        ("lead", ("How I was led", "Come ero guidato", "Cara saya dipimpin", "Cómo me dirigían", "Die Führung", "Le management")),
        (
            "growth",
            (
                "No way forward",
                "Nessuna prospettiva",
                "Tiada peluang maju",
                "Sin perspectivas",
                "Keine Aussichten",
                "Pas de perspectives",
            ),
        ),
        ("hours", ("Working hours", "Orari di lavoro", "Waktu kerja", "Horarios", "Arbeitszeiten", "Horaires")),
        (
            "private",
            (
                "Private reasons",
                "Motivi privati",
                "Sebab peribadi",
                "Motivos personales",
                "Private Gründe",
                "Raisons personnelles",
            ),
        ),
    ),
)
RETURN = Asked(
    "return",
    "yes_no",
    (
        "Would you work here again?",
        "Torneresti a lavorare qui?",
        "Adakah anda akan bekerja di sini lagi?",
        "¿Volverías a trabajar aquí?",
        "Würden Sie wieder hier arbeiten?",
        "Travailleriez-vous de nouveau ici ?",
    ),
)

READY_MADE = {
    item.key: item
    for item in (
        ReadyMade(
            "enps",
            "enps",
            (
                "How is it to work here?",
                "Come si lavora qui?",
                "Bagaimanakah bekerja di sini?",
                "¿Cómo es trabajar aquí?",
                "Wie ist es, hier zu arbeiten?",
                "Comment est-ce de travailler ici ?",
            ),
            "One question and why, every quarter.",
            (RECOMMEND,),
            "quarterly",
        ),
        ReadyMade(
            "pulse",
            "pulse",
            (
                "Weekly pulse",
                "Il polso della settimana",
                "Nadi mingguan",
                "Pulso semanal",
                "Wochenpuls",
                "Le pouls de la semaine",
            ),
            "Three questions from the bank each week; everybody meets each once before any comes again.",
            (),
            "weekly",
            3,
        ),
        ReadyMade(
            "onboarding",
            "pulse",
            (
                "Your start here",
                "Il tuo inizio qui",
                "Permulaan anda di sini",
                "Tu comienzo aquí",
                "Ihr Start bei uns",
                "Vos débuts ici",
            ),
            "For those who came in the last months.",
            (WELCOME, CLARITY, AS_PROMISED, TOOLS, SUPPORT, WISH),
        ),
        ReadyMade(
            "change",
            "pulse",
            (
                "After the change",
                "Dopo il cambiamento",
                "Selepas perubahan",
                "Después del cambio",
                "Nach der Veränderung",
                "Après le changement",
            ),
            "Was it understood, and is the work better? Who says worse is asked what would help.",
            (CHANGE_REASON, CHANGE_INFORMED, CHANGE_BETTER, CHANGE_WORSE),
        ),
        ReadyMade(
            "wellbeing",
            "pulse",
            ("How are you?", "Come stai?", "Apa khabar anda?", "¿Cómo estás?", "Wie geht es Ihnen?", "Comment allez-vous ?"),
            "Workload, energy, support.",
            (WORKLOAD, ENERGY, BALANCE, SUPPORT, WISH),
            "monthly",
        ),
        ReadyMade(
            "exit",
            "pulse",
            (
                "Before you go",
                "Prima che tu vada",
                "Sebelum anda pergi",
                "Antes de irte",
                "Bevor Sie gehen",
                "Avant votre départ",
            ),
            "For those who leave. Groups are small: ask a year's leavers together.",
            (LEAVING, RECOMMEND, RETURN, WISH),
        ),
    )
}
# What a bank is filled with, by theme.
BANK = {
    "work": (WORKLOAD, CLARITY, TOOLS),
    "people": (SUPPORT, TEAM, MANAGER, VOICE),
    "meaning": (RECOGNITION, GROWTH, DIRECTION),
    "wellbeing": (BALANCE, ENERGY),
}


# --- Customers ------------------------------------------------------------------------------------------------------------

CUSTOMERS = {
    one.key: one
    for one in (
        ReadyMade(
            "nps",
            "feedback",
            (
                "How was it with us?",
                "Come è andata da noi?",
                "Bagaimana pengalaman anda dengan kami?",
                "¿Qué tal con nosotros?",
                "Wie war es bei uns?",
                "Comment était-ce chez nous ?",
            ),
            "NPS: would you recommend us, 0 to 10",
            (
                Asked(
                    "nps",
                    "nps",
                    (
                        "How likely are you to recommend us to a friend?",
                        "Con quale probabilità ci consiglieresti a un amico?",
                        "Sejauh manakah anda akan mengesyorkan kami kepada rakan?",
                        "¿Con qué probabilidad nos recomendarías a un amigo?",
                        "Wie wahrscheinlich ist es, dass Sie uns Freunden empfehlen?",
                        "Quelle est la probabilité que vous nous recommandiez à un ami ?",
                    ),
                ),
            ),
        ),
        ReadyMade(
            "csat",
            "feedback",
            (
                "Are you satisfied?",
                "È andato tutto bene?",
                "Adakah anda berpuas hati?",
                "¿Todo a tu gusto?",
                "Sind Sie zufrieden?",
                "Êtes-vous satisfait ?",
            ),
            "Satisfaction, 1 to 5",
            (
                Asked(
                    "csat",
                    "csat",
                    (
                        "How satisfied are you with your purchase?",
                        "Quanto sei soddisfatto del tuo acquisto?",
                        "Sejauh manakah anda berpuas hati dengan pembelian anda?",
                        "¿Cómo de satisfecho estás con tu compra?",
                        "Wie zufrieden sind Sie mit Ihrem Einkauf?",
                        "Êtes-vous satisfait de votre achat ?",
                    ),
                ),
            ),
        ),
    )
}
