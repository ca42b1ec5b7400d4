"""The shape of the starter model: its three networks and its sampler, with random weights."""

from dataclasses import dataclass

from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

WIDTH, HEIGHT = 128, 192  # pixels
LATENT_SHAPE = (4, HEIGHT // 8, WIDTH // 8)
VOCABULARY_SIZE = 4096
TEXT_LENGTH = 77  # tokens
TEXT_WIDTH = 128


@dataclass
class Networks:
    """The trainable parts, all fp32 while they are trained."""

    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL


def new_text_encoder() -> CLIPTextModel:
    """Token ids [b, 77] -> hidden states [b, 77, 128]."""
    config = CLIPTextConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=TEXT_WIDTH,
        intermediate_size=4 * TEXT_WIDTH,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TEXT_LENGTH,
        hidden_act="quick_gelu",
        bos_token_id=VOCABULARY_SIZE - 2,
        eos_token_id=VOCABULARY_SIZE - 1,
        pad_token_id=VOCABULARY_SIZE - 1,
    )
    return CLIPTextModel(config)


def new_unet() -> UNet2DConditionModel:
    """Noisy latents [b, 4, h, w], a time and hidden states -> velocity of the latents' shape."""
    return UNet2DConditionModel(
        sample_size=LATENT_SHAPE[1:],
        in_channels=4,
        out_channels=4,
        block_out_channels=(80, 112, 144),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
    )


def new_vae() -> AutoencoderKL:
    """Pictures [b, 3, 8h, 8w] in -1..1 <-> latents [b, 4, h, w] of about unit variance."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 24, 48, 96),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=2,
        sample_size=HEIGHT,
        scaling_factor=1.0,
    )


def new_scheduler() -> DPMSolverMultistepScheduler:
    """The default sampler: DPM-Solver++ 2M over SD's noise schedule, predicting velocity.

    The schedule ends in noise alone (arXiv 2305.08891): otherwise the brightness of the starting noise, and not the
    prompt, would decide whether a card is dark or light.
    """
    return DPMSolverMultistepScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        steps_offset=1,
    )
