using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Says in words which layers grow, in which direction, and why.</summary>
internal static class StabilityVerdict
{
    public static string Of(Scheme scheme, IReadOnlyList<LayerStability> layers, IReadOnlyList<LayerRecurrence> recurrences)
    {
        SchemeCondition condition = SchemeCondition.Of(scheme);
        LayerStability[] growing = [.. layers.Where(l => l.Growth.Worst > Growth.Noise)];
        double forward = layers.Max(l => l.ForwardGrowth), backward = layers.Max(l => l.BackwardGrowth ?? 0);
        string factors = $"forward growth {Text(forward)} a layer{(backward == 0 ? "" : $", backward {Text(backward)}")}";
        string text = growing.Length == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{scheme.Name}: no layer grows, on the eigenvalues found: {factors} at most.")
            : $"{scheme.Name}: {Names(growing, layers.Count)} {(growing.Length == 1 ? "has" : "have")} {condition.Variable} " +
              $"{Range(growing.SelectMany(l => Offending(l, recurrences[l.Layer])))}: {factors} at most ({condition.Bounded}).";
        return text + Rebuilt(layers);
    }

    /// <summary>The scaled eigenvalues along which a layer grows.</summary>
    private static IEnumerable<Complex> Offending(LayerStability layer, LayerRecurrence recurrence) => layer.Eigenvalues
        .Where(e => recurrence.At(e.Value).Worst > Growth.Noise)
        .Select(e => e.Value * SchemeCondition.Factor(recurrence));

    private static string Range(IEnumerable<Complex> values)
    {
        Complex[] all = [.. values];
        double low = all.Min(v => v.Real), high = all.Max(v => v.Real), imaginary = all.Max(v => Math.Abs(v.Imaginary));
        // The imaginary part of a real eigenvalue that float32 has split into a pair.
        bool real = imaginary <= 1e-3 * all.Max(v => v.Magnitude);
        string interval = string.Create(CultureInfo.InvariantCulture, $"[{low:G3}, {high:G3}]");
        return real ? $"in {interval}" : $"with real part in {interval} and imaginary part up to {Text(imaginary)}";
    }

    private static string Names(LayerStability[] some, int count)
    {
        if (some.Length == 1) return count == 1 ? "the layer" : $"layer {some[0].Layer}";
        if (some.Length == count) return $"all {count} layers";
        string[] runs = [.. Runs(some.Select(l => l.Layer))];
        return $"layers {(runs.Length == 1 ? runs[0] : $"{string.Join(", ", runs[..^1])} and {runs[^1]}")}";
    }

    /// <summary>Numbers in order, three or more in a row as one range.</summary>
    private static IEnumerable<string> Runs(IEnumerable<int> numbers) => numbers
        .Select((number, i) => (number, start: number - i))
        .GroupBy(n => n.start, n => n.number)
        .SelectMany(run => run.Count() > 2 ? [$"{run.First()} to {run.Last()}"] : run.Select(n => $"{n}"));

    private static string Rebuilt(IReadOnlyList<LayerStability> layers)
    {
        LayerStability? layer = layers.Where(l => l.RebuildError is not null).MaxBy(l => l.RebuildError!.Value.Relative);
        if (layer?.RebuildError is not { Relative: > 0 } worst) return "";
        return string.Create(CultureInfo.InvariantCulture,
            $" Run back in floating point, the stream into layer {layer.Layer} is rebuilt worst: " +
            $"wrong by {worst.Max:0.0e+00} at most, by {worst.Relative:0.0e+00} of its size on average.");
    }

    private static string Text(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
