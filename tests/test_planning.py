import pytest

from imagineerd import planning, protocol
from imagineerd.config import default_config, find_paths
from imagineerd.errors import Invalid, LoraError, NotFound
from imagineerd.jobs import MAX_SEED, LoraWeight, PromptParts
from imagineerd.link import ModelSource
from imagineerd.lora.choosing import Chosen
from imagineerd.models import ResolvedModel
from imagineerd.protocol import ModelInfo, Settings
from imagineerd.sets.library import CardSet
from imagineerd.sets.rows import Overrides, Row

SD15 = ResolvedModel(ModelSource("sd15", "", "abc"), ModelInfo(name="sd15"))
TOY = ResolvedModel(
    ModelSource("starter", "/model", "r1"),
    ModelInfo(name="starter", sizes=((96, 144), (144, 96))),
    default_steps=20,
    default_guidance=3.0,
)


def card_set(*rows, **changes):
    values = {
        "id": "suits",
        "name": "Suits",
        "description": "",
        "builtin": False,
        "csv_path": "suits.csv",
        "base_prompt": "card",
        "prompt_template": "{name}",
        "style_suffix": "ink",
        "example_theme": "",
        "width": 512,
        "height": 720,
        "negative_prompt": "blurry",
        "loras": (LoraWeight("Cards", 0.6),),
        "columns": ("name",),
        "rows": rows or (row(1, "Ace"), row(2, "Two")),
    }
    return CardSet(**{**values, **changes})


def row(index, name, **overrides):
    return Row(index, index + 1, name, {"name": name}, Overrides(**overrides))


def chosen(mix):
    names = tuple(lora.name for lora in mix)
    hashed = tuple(LoraWeight(lora.name, lora.weight, "f" * 64) for lora in mix)
    return Chosen(hashed, names, tuple(f"wakes {name}" for name in names))


@pytest.fixture
def basis(tmp_path):
    def make(model=SD15, first_seed=7, **settings):
        config = default_config(find_paths({"HOME": str(tmp_path)}))
        return planning.Basis(config, model, Settings(**settings), chosen, first_seed)

    return make


def test_a_spec_is_complete(basis):
    spec = planning.plan_set(basis(), card_set(), "night sky").specs[0]

    assert spec.prompt == "card, night sky, Ace, ink"
    assert spec.parts == PromptParts("card", "night sky", "Ace", "ink")
    assert (spec.width, spec.height, spec.steps, spec.guidance_scale) == (512, 720, 25, 7.5)
    assert (spec.negative_prompt, spec.scheduler, spec.model, spec.model_revision) == ("blurry", "dpm++", "sd15", "abc")
    assert spec.mix == (LoraWeight("Cards", 0.6, "f" * 64),)


def test_seeds_count_up_with_the_card(basis):
    sheet = planning.plan_set(basis(first_seed=40), card_set(), "")

    assert [spec.seed for spec in sheet.specs] == [40, 41]


def test_a_card_keeps_its_seed_when_only_some_are_dealt(basis):
    sheet = planning.plan_set(basis(first_seed=40), card_set(), "", picked=[2])

    assert [(spec.name, spec.seed) for spec in sheet.specs] == [("Two", 41)]


def test_a_row_goes_before_the_client_and_the_client_before_the_set(basis):
    cards = card_set(row(1, "Ace", steps=9, guidance_scale=0.0, loras=(), seed=5), row(2, "Two"))
    sheet = planning.plan_set(basis(steps=30, guidance_scale=4.0, mix=(LoraWeight("Tarot"),)), cards, "")

    ace, two = sheet.specs
    assert (ace.steps, ace.guidance_scale, ace.mix, ace.seed) == (9, 0.0, (), 5)
    assert (two.steps, two.guidance_scale, two.mix[0].name) == (30, 4.0, "Tarot")


def test_a_sheet_names_the_mixes_of_all_its_cards_once(basis):
    cards = card_set(row(1, "Ace", loras=(LoraWeight("dark"),)), row(2, "Two"), row(3, "Three"))

    assert planning.plan_set(basis(), cards, "").mixes == ("dark", "Cards")


def test_each_card_has_the_trigger_words_of_its_own_loras(basis):
    cards = card_set(row(1, "Ace", loras=(LoraWeight("dark"),)), row(2, "Two"), prompt_template="{name}, <trigger>")
    sheet = planning.plan_set(basis(), cards, "")

    assert [spec.prompt for spec in sheet.specs] == ["card, Ace, wakes dark, ink", "card, Two, wakes Cards, ink"]
    assert planning.planned_card(sheet.cards[0], sheet.specs[0]).triggers == ("wakes dark",)


def test_trigger_words_are_a_hint_until_they_are_asked_for(basis):
    hinted, added = (planning.plan_set(basis(add_triggers=add), card_set(), "") for add in (False, True))

    assert planning.planned_card(hinted.cards[0], hinted.specs[0]).missing == ("wakes Cards",)
    assert added.specs[0].prompt == "card, Ace, ink, wakes Cards"
    assert added.specs[0].parts.trigger == "wakes Cards"


def test_a_single_prompt_has_trigger_words_too(basis):
    (spec,) = planning.plan_prompt(basis(mix=(LoraWeight("dark"),)), "a fox, <trigger>", 1, "").specs

    assert spec.prompt == "a fox, wakes dark"


def test_what_is_not_dealt_may_name_loras_that_are_not_there(basis):
    def fussy(mix):
        if mix and mix[0].name == "Gone":
            raise LoraError("There is none.")
        return chosen(mix)

    base = basis()
    cards = card_set(row(1, "Ace", loras=(LoraWeight("Gone"),)), row(2, "Two"))
    fussy_basis = planning.Basis(base.config, base.model, base.settings, fussy, base.first_seed)

    assert [spec.name for spec in planning.plan_set(fussy_basis, cards, "", [2]).specs] == ["Two"]


def test_a_sets_size_is_scaled_to_the_model_and_a_named_size_is_not(basis):
    scaled = planning.plan_set(basis(TOY), card_set(), "").specs[0]
    named = planning.plan_set(basis(TOY, width=128), card_set(), "").specs[0]

    assert (scaled.width, scaled.height) == (96, 144)
    assert (named.width, named.height) == (128, 144)


def test_the_models_own_defaults_fill_what_nobody_named(basis):
    spec = planning.plan_set(basis(TOY), card_set(), "").specs[0]

    assert (spec.steps, spec.guidance_scale) == (20, 3.0)


def test_an_index_the_set_does_not_have_is_refused(basis):
    with pytest.raises(NotFound, match="has no card 9: it has 1 to 2"):
        planning.plan_set(basis(), card_set(), "", picked=[1, 9])


def test_a_lora_that_is_not_there_is_refused_before_anything_is_dealt(basis):
    def missing(_mix):
        raise LoraError('There is no LoRA "Cards".')

    base = basis()
    with pytest.raises(LoraError):
        planning.plan_set(
            planning.Basis(base.config, base.model, base.settings, missing, base.first_seed), card_set(), ""
        )


def test_one_prompt_drawn_often_differs_in_seed_alone(basis):
    specs = planning.plan_prompt(basis(first_seed=100), "a red fox", 3, "").specs

    assert [spec.seed for spec in specs] == [100, 101, 102]
    assert len({(spec.prompt, spec.width, spec.name) for spec in specs}) == 1


def test_a_prompt_is_planned_as_one_card_however_often_it_is_drawn(basis):
    sheet = planning.plan_prompt(basis(), "fox " * 80, 3, "Fox")
    plan = planning.plan_of(sheet, SD15)

    (card,) = plan.cards
    assert (plan.set, plan.title, card.name, card.tokens.count) == ("", "Fox", "Fox", 82)
    assert card.tokens.cut == "fox " * 5
    assert "82 tokens and the model reads 77" in planning.warnings_for_prompt(sheet, SD15)[0]


def test_seeds_that_would_run_out_of_range_are_refused(basis):
    with pytest.raises(Invalid, match="leaves no room"):
        planning.plan_prompt(basis(first_seed=MAX_SEED), "fox", 2, "")


def test_a_planned_card_says_what_is_unresolved_and_what_is_drawn_twice(basis):
    cards = card_set(row(1, "Ace"), row(2, "Ace"), prompt_template="{name} {colour}")
    sheet = planning.plan_set(basis(), cards, "")

    planned = [planning.planned_card(*pair) for pair in zip(sheet.cards, sheet.specs, strict=True)]
    assert planned[0].unresolved == ("colour",)
    assert planned[1].duplicate_of == 1
    assert isinstance(planned[0].tokens, protocol.Tokens)


def test_the_starter_model_says_which_words_of_a_theme_it_does_not_know():
    (warning,) = planning.model_warnings(TOY, ["night sky with purple zeppelins"])

    assert '"zeppelins"' in warning
    assert "Themes it knows" not in warning


def test_a_theme_that_names_nothing_known_is_answered_with_what_is():
    (warning,) = planning.model_warnings(TOY, ["zeppelins"])

    assert "Themes it knows: night sky, gold on black" in warning


def test_a_theme_the_starter_model_knows_and_any_theme_for_another_model_pass_in_silence():
    assert planning.model_warnings(TOY, ["gold on black"]) == ()
    assert planning.model_warnings(SD15, ["zeppelins"]) == ()


def test_of_many_unknown_words_some_are_named_and_the_others_counted():
    (warning,) = planning.model_warnings(TOY, [" ".join(f"zeppelin{number}" for number in range(30))])

    assert '"zeppelin5" and 24 other words and draws as if they were not there' in warning


def test_the_rule_is_the_same_for_a_set_and_a_prompt_whole_prompts_without_what_was_taught_as_a_whole(basis):
    taught = {"charging ram with curled horns"}
    cards = card_set(row(1, "Charging Ram with curled horns"), row(2, "a ram on a comet"), base_prompt="card")
    sheet = planning.plan_set(basis(), cards, "gold")
    single = planning.plan_prompt(basis(), "card, gold, charging ram with curled horns, a ram on a comet, ink", 1, "")

    (of_set,) = planning.warnings_for(sheet, TOY, taught)
    (of_prompt,) = planning.warnings_for_prompt(single, TOY, taught)

    assert of_set == of_prompt
    assert 'never taught "ram", "comet" and' in of_set
