"""VHRED: HRED with a random vector z for every reply, trained as a (conditional) variational autoencoder.

Serban, Sordoni, Lowe, Charlin, Pineau, Courville and Bengio 2017, "A Hierarchical Latent Variable Encoder-Decoder Model
for Generating Dialogues", §3. KL annealing and word drop: Bowman et al. 2016, "Generating Sentences from a Continuous
Space", §3.1.
"""

import keras
from keras import layers, ops

from utils.keras_models import checks
from utils.keras_models.hred import HRED, PAD, checked, checked_turns, reply_loss

BOS, UNK = 1, 3  # as in utils.text.vocabulary


class VHRED(HRED):
    """HRED whose decoder also gets z (N, latent_dim), drawn from the prior, and in training from the posterior.

    Both are normal with a diagonal covariance, its diagonal a softplus: the prior a network of the context with two
    tanh layers, the posterior one with one tanh layer of the context and the encoded reply. Calling it with
    `(turns, reply_in)` returns a dict: "logits" (N, R, V) for z of the posterior, and "kl" (N,).

    The loss is the negative variational lower bound, with the weight β on its second part: reconstruction + β · KL. In
    training β rises from 0 to 1 over the first `annealing` batches; in evaluation it is 1. `fit` reports both parts.

    Args:
        vocabulary_size, embedding_dim, units, unroll: as in HRED.
        latent_dim: of z.
        annealing: batches until β is 1; 0 for β = 1 from the start.
        word_drop: share of the words of reply_in that become `UNK` in training.
        seed: of z and of the dropped words.

    Raises:
        TypeError, ValueError: as HRED; also for a share outside 0 … 1.
    """

    def __init__(
        self,
        vocabulary_size,
        embedding_dim=48,
        units=64,
        latent_dim=8,
        annealing=0,
        word_drop=0.25,
        seed=0,
        unroll=False,
        name="vhred",
    ):
        self.extra = checks.positive_int("latent_dim", latent_dim)
        self.annealing = checks.positive_int("annealing", annealing, smallest=0)
        if not 0 <= word_drop <= 1:
            raise ValueError(f"word_drop must be a share from 0 to 1, got {word_drop!r}")
        self.word_drop, self.seed = float(word_drop), seed
        super().__init__(vocabulary_size, embedding_dim, units, unroll, name)

    def build(self, input_shape=None):
        def gaussian(name, inputs, depth):
            hidden = [layers.Dense(self.units, activation="tanh", name=f"{name}_{i}") for i in range(depth)]
            heads = [layers.Dense(self.extra, name=f"{name}_mean")]
            heads += [layers.Dense(self.extra, activation="softplus", name=f"{name}_variance")]
            for number, layer in enumerate(hidden + heads):
                layer.build((None, inputs if number == 0 else self.units))
            return hidden, heads

        self.prior_layers = gaussian("prior", self.units, 2)
        self.posterior_layers = gaussian("posterior", 2 * self.units, 1)
        self.random = keras.random.SeedGenerator(self.seed)
        self.trackers = [keras.metrics.Mean(name=part) for part in ("reconstruction", "kl", "beta")]
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="batches_seen")
        super().build(input_shape)

    def prior(self, context):
        """Context (N, units) -> mean and variance of z before the reply is known, each (N, latent_dim)."""
        return _mean_and_variance(self.prior_layers, context)

    def posterior(self, context, reply_in):
        """Context and reply_in (N, R) -> mean and variance of z once the reply is known, each (N, latent_dim)."""
        words = self.encode_utterance(reply_in[:, 1:])  # without BOS, as the turns
        return _mean_and_variance(self.posterior_layers, ops.concatenate([context, words], axis=1))

    def call(self, inputs, training=False):
        turns, reply_in = checked(inputs)
        context = self.encode_context(turns)
        mean, variance = self.posterior(context, reply_in)
        kl = kl_divergence(mean, variance, *self.prior(context))
        # Reparameterization: the noise is drawn apart, so that gradients reach mean and variance.
        z = mean + ops.sqrt(variance) * keras.random.normal(ops.shape(mean), seed=self.random)
        if training:
            self.seen.assign_add(1)
            drop = keras.random.uniform(ops.shape(reply_in), seed=self.random) < self.word_drop
            words = ops.logical_and(ops.not_equal(reply_in, PAD), ops.not_equal(reply_in, BOS))
            reply_in = ops.where(ops.logical_and(drop, words), UNK, reply_in)
        return {"logits": self.decode(ops.concatenate([context, z], axis=1), reply_in), "kl": kl}

    def beta(self):
        """Weight of the KL divergence for the batch in hand."""
        return ops.minimum(self.seen / self.annealing, 1.0) if self.annealing else ops.ones(())

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        reconstruction = ops.mean(reply_loss(y, y_pred["logits"]))
        kl = ops.mean(y_pred["kl"])
        beta = self.beta() if training else ops.ones(())
        for tracker, value in zip(self.trackers, (reconstruction, kl, beta), strict=True):
            tracker.update_state(value)
        return reconstruction + beta * kl

    def start(self, turns, noise):
        """State of the decoder before the first word, z = mean + √variance · noise of the prior.

        Args:
            turns: (N, U, T).
            noise: (N, latent_dim), drawn from N(0, I); zeros give the prior's mean.

        Returns:
            (condition (N, units + latent_dim), state (N, units)), NumPy arrays.

        Raises:
            ValueError: if the noise has another shape.
        """
        turns = checked_turns(turns)
        context = self.encode_context(turns)
        mean, variance = self.prior(context)
        noise = ops.convert_to_tensor(noise, dtype=mean.dtype)
        if tuple(noise.shape) != tuple(mean.shape):
            raise ValueError(f"noise must be {tuple(mean.shape)}, one row a dialogue; got {tuple(noise.shape)}")
        return self.start_from(ops.concatenate([context, mean + ops.sqrt(variance) * noise], axis=1))


def kl_divergence(mean, variance, prior_mean, prior_variance):
    """KL[N(mean, variance) ‖ N(prior_mean, prior_variance)] in nats, diagonal covariances: (N, D) each -> (N,).

    ½ Σ (log σ_p² - log σ_q² + (σ_q² + (μ_q - μ_p)²) / σ_p² - 1); with the prior N(0, I) it is the formula of Kingma and
    Welling 2014, Appendix B.
    """
    ratio = (variance + ops.square(mean - prior_mean)) / prior_variance
    return 0.5 * ops.sum(ops.log(prior_variance) - ops.log(variance) + ratio - 1.0, axis=-1)


def _mean_and_variance(parts, x):
    hidden, (mean, variance) = parts
    for layer in hidden:
        x = layer(x)
    return mean(x), variance(x) + 1e-6  # softplus underflows to 0, and its logarithm is needed
