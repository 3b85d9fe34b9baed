namespace Microsoft.ML.Reversible;

/// <summary>The kinds of transformer that can be trained and loaded.</summary>
public enum ModelFamily
{
    /// <summary>GPT-2's: learned positions, layer norms, one activation between the MLP's two layers, biases.</summary>
    Gpt2,

    /// <summary>Llama's: rotary positions, RMS norms, grouped-query attention, a gated MLP (SwiGLU), no biases.</summary>
    Llama,
}
