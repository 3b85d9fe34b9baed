using Microsoft.ML.Reversible;
using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML;

/// <summary>The way in: <c>mlContext.Reversible()</c>.</summary>
public static class ReversibleExtensions
{
    /// <summary>Language models with reversible layers.</summary>
    /// <param name="mlContext">The context whose seed, log and device settings they use.</param>
    /// <exception cref="DllNotFoundException">No libtorch can be loaded; the message says what to add to the application.</exception>
    public static ReversibleCatalog Reversible(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        NativeTorch.Require();
        return new ReversibleCatalog(mlContext);
    }
}
