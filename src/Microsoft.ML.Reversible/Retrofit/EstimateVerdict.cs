using System.Globalization;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>Says in words whether fixed-point steps find the stream before a layer.</summary>
internal static class EstimateVerdict
{
    /// <summary>For the layers measured; null where there is none.</summary>
    public static string? Of(IReadOnlyList<LayerEstimate> layers)
    {
        if (layers.Count == 0) return null;
        double low = layers.Min(l => l.LipschitzFactor), high = layers.Max(l => l.LipschitzFactor);
        string range = string.Create(CultureInfo.InvariantCulture, $"{low:G3} to {high:G3}");
        var text = $"Fixed-point steps find the stream before a layer only where the Lipschitz factor of its function is below 1: " +
            $"here it is {range}, below 1 in {Share(layers.Count(l => l.LipschitzFactor < 1), layers.Count)}.";
        for (int m = 1; m <= Math.Min(2, layers[0].LocalFactors.Count); m++)
        {
            int helped = layers.Count(l => l.LocalFactors[m - 1] < 1);
            text += $" On this text the {(m == 1 ? "first" : "second")} step brings the estimate nearer in {Share(helped, layers.Count)}.";
        }
        return text;
    }

    private static string Share(int some, int all) =>
        some == all ? all == 1 ? "the one layer" : $"all {all} layers" : $"{(some == 0 ? "none" : $"{some}")} of {all} layers";
}
