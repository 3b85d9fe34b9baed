using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Writes the text that says in which layers errors grow, in which direction, and why.</summary>
internal static class StabilityVerdict
{
    public static string Of(
        Scheme scheme, IReadOnlyList<LayerStability> layers, IReadOnlyList<LayerRecurrence> recurrences, StackAmplification stack)
    {
        string name = scheme.ToString().Split(':')[0];
        SchemeCondition condition = SchemeCondition.Of(scheme, layers.Count);
        LayerStability[] growing = [.. layers.Where(l => l.Growth.Worst > Growth.Noise)];
        LayerStability[] linear = [.. layers.Where(l => l.GrowsLinearly)];
        double forward = layers.Max(l => l.ForwardGrowth), backward = layers.Max(l => l.BackwardGrowth ?? 0);
        string factors = $"forward growth {Text(forward)} a layer{(backward == 0 ? "" : $", backward {Text(backward)}")}";
        string text = growing.Length == 0
            ? $"{name}: errors grow{(linear.Length == 0 ? "" : " exponentially")} in no layer, on the eigenvalues found: "
              + $"{factors} at most."
            : $"{name}: {Have(growing, (layer, value) => layer.At(value).Worst > Growth.Noise)}: " +
              $"{factors} at most ({condition.Bounded}).";
        if (linear.Length > 0) text += $" {Linear()}";
        return text + Whole(stack, layers.Count) + Rebuilt(layers);

        string Linear()
        {
            string which = Have(linear, (layer, value) => layer.IsLinear(value, layers.Count));
            string how = scheme is Hamiltonian
                ? "errors can grow linearly with depth"
                : $"errors grow linearly, to {layers.Count + 1} times over {layers.Count} such layers";
            return $"{char.ToUpperInvariant(which[0])}{which[1..]}, where the root is double: {how}"
                + $"{(growing.Length == 0 ? $" ({condition.Bounded})" : "")}.";
        }

        // Returns the names of layers, and the range of their scaled eigenvalues that satisfy a condition.
        string Have(LayerStability[] some, Func<LayerRecurrence, Complex, bool> holds) =>
            $"{Names(some, layers.Count)} {(some.Length == 1 ? "has" : "have")} {condition.Variable} " + Range(some.SelectMany(layer =>
                layer.Eigenvalues.Select(e => e.Value)
                    .Where(value => holds(recurrences[layer.Layer], value))
                    .Select(value => value * condition.Factor(recurrences[layer.Layer]))));
    }

    /// <summary>Describes the amplification of the whole stack, which eigenvalues of single layers do not show.</summary>
    private static string Whole(StackAmplification stack, int count) =>
        $" Over {(count == 1 ? "the one layer" : $"all {count} layers together")} a small error is multiplied by up to "
        + $"{Text(stack.Forward)} forward{(stack.Backward is { } backward ? $" and {Text(backward)} back" : "")}, the largest singular "
        + "value, of which the iteration gives a lower bound.";

    private static string Range(IEnumerable<Complex> values)
    {
        Complex[] all = [.. values];
        double low = all.Min(v => v.Real), high = all.Max(v => v.Real), imaginary = all.Max(v => Math.Abs(v.Imaginary));
        // A smaller imaginary part comes from a double real eigenvalue that float32 rounding split into a complex pair.
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

    /// <summary>Writes ordered numbers, with three or more consecutive ones as a range.</summary>
    private static IEnumerable<string> Runs(IEnumerable<int> numbers) => numbers
        .Select((number, i) => (number, start: number - i))
        .GroupBy(n => n.start, n => n.number)
        .SelectMany(run => run.Count() > 2 ? [$"{run.First()} to {run.Last()}"] : run.Select(n => $"{n}"));

    private static string Rebuilt(IReadOnlyList<LayerStability> layers)
    {
        LayerStability? layer = layers.Where(l => l.RebuildError is not null).MaxBy(l => l.RebuildError!.Value.Relative);
        if (layer?.RebuildError is not { Relative: > 0 } worst) return "";
        return string.Create(CultureInfo.InvariantCulture,
            $" Run backwards in floating point, the hidden state before layer {layer.Layer} is rebuilt worst: " +
            $"its error is {worst.Max:0.0e+00} at most, and {worst.Relative:0.0e+00} of its size on average.");
    }

    private static string Text(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}

/// <summary>Writes the text that says what would help.</summary>
internal static class StabilitySuggestion
{
    /// <summary>The relative rebuild error below which gradients are as accurate as float32 training needs.</summary>
    private const double Harmless = 1e-4;

    public static string Of(Scheme scheme, Arithmetic arithmetic, IReadOnlyList<LayerStability> layers)
    {
        if (!scheme.IsReversible)
            return "This scheme has no inverse. Use a reversible one to train in memory that does not grow with depth.";
        bool exact = arithmetic == Arithmetic.Exact, drifts = !exact && layers.Max(l => l.RebuildError?.Relative ?? 0) > Harmless;
        string kept = exact ? "Exact arithmetic rebuilds the hidden states to the bit whatever the growth backward. " : "";
        string advice = string.Join("; or ", Advice(scheme, exact, drifts, layers));
        if (advice.Length == 0)
        {
            string nothing = layers.Any(l => l.GrowsLinearly) ? "Linear growth is slow: at this depth nothing" : "Nothing";
            return $"{kept}{nothing} needs to change.";
        }
        if (drifts) return $"{char.ToUpperInvariant(advice[0])}{advice[1..]}.";
        return exact
            ? $"{kept}Forward, nearby hidden states diverge. To reduce that: {advice}."
            : $"{kept}At this depth the growth does not affect the rebuilt hidden states. For a much deeper network: {advice}.";
    }

    private static IEnumerable<string> Advice(Scheme scheme, bool exact, bool drifts, IReadOnlyList<LayerStability> layers)
    {
        // Backward, rounding errors grow, and exact arithmetic has none.
        Func<Growth, double> harm = exact ? growth => growth.Forward : growth => growth.Worst;
        double worst = layers.Max(l => harm(l.Growth));
        bool grows = worst > Growth.Noise;
        if (!grows && !drifts) yield break;
        if (!exact && scheme.CanBeExact) yield return "use exact arithmetic, which rebuilds every hidden state to the bit";
        if (!scheme.CanBeExact)
            yield return "use another scheme and retrain: this one cannot be exact, but midpoint, leapfrog, Hamiltonian, iterated-inverse "
                + "and BDIA can";
        if (!grows) yield break;
        SchemeCondition condition = SchemeCondition.Of(scheme);
        if (condition is { StepSize: { } h, WithStepSize: { } with } && Lower(with(h / 2), layers, worst, harm) is { } smaller)
        {
            yield return $"use a smaller h and retrain: on the same eigenvalues {Text(h / 2)} would bring growth down to {Text(smaller)} "
                + "a layer";
        }
        if (Other(scheme, condition.StepSize ?? 0.5, layers, worst, harm) is { } other) yield return other;
    }

    /// <summary>Suggests midpoint or leapfrog with the same step size, if it grows clearly less on the same eigenvalues.</summary>
    private static string? Other(Scheme scheme, double h, IReadOnlyList<LayerStability> layers, double worst, Func<Growth, double> harm)
    {
        // The eigenvalues of the product of two halves, or of two blocks together, do not give those of one whole block.
        if (scheme is Hamiltonian or IteratedInverse) return null;
        return new Scheme[] { new Midpoint(h), new Leapfrog(h) }
            .Where(s => s.Name != scheme.Name)
            .Select(s => (Scheme: s, Growth: Lower(s, layers, worst, harm)))
            .Where(s => s.Growth is not null)
            .OrderBy(s => s.Growth)
            .Select(s =>
                $"use another scheme and retrain: on the same eigenvalues {s.Scheme} would grow by {Text(s.Growth!.Value)} a layer")
            .FirstOrDefault();
    }

    /// <summary>
    /// Returns the worst growth that a scheme would have on these eigenvalues; null unless it is lower by at least a quarter.
    /// </summary>
    private static double? Lower(Scheme scheme, IReadOnlyList<LayerStability> layers, double worst, Func<Growth, double> harm)
    {
        IReadOnlyList<LayerRecurrence> recurrences = LayerRecurrence.Of(scheme, layers.Count);
        double growth = layers.Max(l => l.Eigenvalues.Max(e => harm(recurrences[l.Layer].At(e.Value))));
        return growth - 1 < 0.75 * (worst - 1) ? growth : null;
    }

    private static string Text(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
