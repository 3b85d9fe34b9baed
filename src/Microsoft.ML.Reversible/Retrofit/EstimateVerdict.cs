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
            $"here it is {range}, below 1 in {Share(layers.Count(l => l.LipschitzFactor < 1), layers.Count)}. " +
            $"On this text the first step brings the estimate nearer in {Helped(1)}";
        return layers[0].LocalFactors.Count == 1 ? $"{text}." : $"{text}, the second in {Helped(2)}.";

        string Helped(int step) => Share(layers.Count(l => l.LocalFactors[step - 1] < 1), layers.Count);
    }

    private static string Share(int some, int all) =>
        some == all ? all == 1 ? "the one layer" : $"all {all} layers" : $"{(some == 0 ? "none" : $"{some}")} of {all} layers";
}
