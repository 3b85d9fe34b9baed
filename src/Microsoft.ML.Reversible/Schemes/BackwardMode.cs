namespace Microsoft.ML.Reversible;

/// <summary>How the backward pass gets the activations that it needs. The result is the same; the memory differs.</summary>
public enum BackwardMode
{
    /// <summary>All activations of all layers are stored: the reference.</summary>
    Stored,

    /// <summary>One hidden state per layer is stored; the backward pass evaluates each block again (activation checkpointing).</summary>
    Checkpointed,

    /// <summary>
    /// Only the last two hidden states are kept; the backward pass rebuilds the earlier ones layer by layer, so activation memory does not
    /// grow with depth. Needs a scheme that is reversible.
    /// </summary>
    Reversible,
}
