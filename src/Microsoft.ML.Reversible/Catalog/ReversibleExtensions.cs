using Microsoft.ML.Reversible;
using Microsoft.ML.Reversible.Kernels;

namespace Microsoft.ML;

/// <summary>Adds <c>Reversible()</c> to <see cref="MLContext"/>.</summary>
public static class ReversibleExtensions
{
    /// <summary>Returns the catalog of language models with reversible layers.</summary>
    /// <param name="mlContext">The context, whose seed, log and device settings the models use.</param>
    /// <exception cref="DllNotFoundException">No libtorch can be loaded; the message says which package to add.</exception>
    public static ReversibleCatalog Reversible(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        NativeTorch.Require();
        return new ReversibleCatalog(mlContext);
    }
}
