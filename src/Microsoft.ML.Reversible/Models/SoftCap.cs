using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>The soft cap z = c tanh(x / c), which keeps numbers within (-c, c).</summary>
internal static class SoftCap
{
    /// <summary>Returns z, in the caller's dispose scope.</summary>
    public static Tensor Of(Tensor x, double cap)
    {
        using var scope = NewDisposeScope();
        return ((x / cap).tanh() * cap).MoveToOuterDisposeScope();
    }

    /// <summary>Returns dz/dx = 1 - (z / c)² from z, in the caller's dispose scope.</summary>
    public static Tensor Slope(Tensor z, double cap)
    {
        using var scope = NewDisposeScope();
        return (z / cap).square().neg_().add_(1).MoveToOuterDisposeScope();
    }
}
