using Microsoft.ML.Reversible;

namespace Microsoft.ML;

/// <summary>The way in: <c>mlContext.Reversible()</c>.</summary>
public static class ReversibleExtensions
{
    /// <summary>Language models with reversible layers.</summary>
    /// <param name="mlContext">The context whose seed, log and device settings they use.</param>
    public static ReversibleCatalog Reversible(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        return new ReversibleCatalog(mlContext);
    }
}
