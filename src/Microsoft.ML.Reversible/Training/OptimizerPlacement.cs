namespace Microsoft.ML.Reversible;

/// <summary>When the optimizer updates the layers' weights.</summary>
public enum OptimizerPlacement
{
    /// <summary>After the whole backward pass. Every parameter has its own gradient, of 4 bytes.</summary>
    AfterBackward,

    /// <summary>
    /// Inside the backward pass, each layer as soon as its gradient is complete. All layers share the gradient memory of one layer, so it
    /// does not grow with depth. The norm of the whole gradient is known only after all layers have been updated.
    /// </summary>
    InsideBackward,
}
