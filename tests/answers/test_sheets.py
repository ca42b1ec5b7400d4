"""Plans and themes, asked of a real daemon."""

from __future__ import annotations

from imagineerd.client import Client
from imagineerd.protocol import Settings


def test_the_same_seed_makes_up_the_same_themes(client: Client) -> None:
    made = client.themes(5)

    assert client.themes(5, made.seed) == made
    assert len(set(made.themes)) == 5


def test_a_deal_does_what_its_plan_said(client: Client) -> None:
    settings = Settings(seed=40, steps=2, guidance_scale=4.0)
    plan = client.plan("zodiac", "at sea", settings, [2, 5])
    dealt = client.deal("zodiac", "at sea", settings, [2, 5])

    jobs = sorted(client.jobs(batch_id=dealt.batch.id).jobs, key=lambda job: job.id)
    assert [(card.prompt, card.seed) for card in plan.cards] == [(job.spec.prompt, job.spec.seed) for job in jobs]
    assert [job.spec.seed for job in jobs] == [41, 44]
    assert {(job.spec.steps, job.spec.guidance_scale, job.spec.width) for job in jobs} == {(2, 4.0, plan.width)}


def test_a_prompt_is_drawn_as_its_plan_said(client: Client) -> None:
    long, settings = "fox " * 80, Settings(seed=40, steps=2)
    plan, dealt = client.plan_prompt(long, 2, settings), client.generate(long, 2, settings)

    (card,), jobs = plan.cards, client.jobs(batch_id=dealt.batch.id).jobs
    assert {job.spec.prompt for job in jobs} == {card.prompt}
    assert min(job.spec.seed for job in jobs) == card.seed == 40
    assert (card.tokens.exact, card.tokens.count > 77, plan.width) == (True, True, jobs[0].spec.width)
    assert dealt.warnings == plan.warnings
    assert any("cut" in warning for warning in plan.warnings)
