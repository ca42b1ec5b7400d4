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
