namespace Microsoft.ML.Reversible;

/// <summary>When the optimizer changes the weights of the layers.</summary>
public enum OptimizerPlacement
{
    /// <summary>After the whole backward pass: every parameter has a gradient of its own, 4 bytes each.</summary>
    AfterBackward,

    /// <summary>
    /// Inside the backward pass, each layer as soon as its gradient is complete. All layers share one layer's gradient memory, so that it
    /// does not grow with depth. The norm of the whole gradient is known only after the last layer has been changed.
    /// </summary>
    InsideBackward,
}
