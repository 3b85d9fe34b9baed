namespace Microsoft.ML.Reversible;

/// <summary>How the backward pass comes by the activations that it needs. The result is the same, the memory is not.</summary>
public enum WayBack
{
    /// <summary>Every activation of every layer is stored as it was computed: the reference.</summary>
    Stored,

    /// <summary>One stream a layer is stored, and the backward pass evaluates each block once more: activation checkpointing.</summary>
    Checkpointed,

    /// <summary>
    /// Only the last two streams are kept; the backward pass rebuilds the earlier ones layer by layer, so activation
    /// memory does not grow with depth. Needs a scheme that is reversible.
    /// </summary>
    Reversible,
}
