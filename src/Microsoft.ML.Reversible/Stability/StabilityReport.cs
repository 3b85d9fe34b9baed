using System.Globalization;
using System.Text;

namespace Microsoft.ML.Reversible;

/// <summary>Whether a model's recurrence stays bounded forward and back on real text, and how exactly it is rebuilt.</summary>
public sealed class StabilityReport
{
    internal StabilityReport(
        Scheme scheme, IReadOnlyList<LayerStability> layers, StackAmplification stack, string verdict, string suggestion) =>
        (Scheme, Layers, Stack, Verdict, Suggestion) = (scheme, layers, stack, verdict, suggestion);

    /// <summary>The recurrence that was analysed: the one that the model is trained with.</summary>
    public Scheme Scheme { get; }

    /// <summary>The layers in order.</summary>
    public IReadOnlyList<LayerStability> Layers { get; }

    /// <summary>
    /// The most that all layers together multiply a small error by, forward and back; the largest over the windows.
    /// </summary>
    public StackAmplification Stack { get; }

    /// <summary>Which layers grow, by how much and why, in words.</summary>
    public string Verdict { get; }

    /// <summary>What would help, in words.</summary>
    public string Suggestion { get; }

    /// <summary>The layers as a table in plain text, then verdict and suggestion.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line(["layer", "max |λ|", "min Re λ", "max Re λ", "max |Im λ|", "residual", "forward", "back", "rebuilt, max", "rms", "of rms"]);
        foreach (LayerStability layer in Layers)
        {
            Line([
                layer.Layer.ToString(CultureInfo.InvariantCulture),
                Number(layer.Largest.Value.Magnitude),
                Number(layer.Leftmost.Value.Real),
                Number(layer.Rightmost.Value.Real),
                Number(Math.Abs(layer.MostImaginary.Value.Imaginary)),
                Small(new[] { layer.Largest, layer.Leftmost, layer.Rightmost, layer.MostImaginary }.Max(e => e.Residual)),
                Number(layer.ForwardGrowth),
                Number(layer.BackwardGrowth),
                Small(layer.RebuildError?.Max),
                Small(layer.RebuildError?.Rms),
                Number(layer.RebuildError?.StreamRms),
            ]);
        }
        return text.Append('\n').Append(Verdict).Append('\n').Append(Suggestion).Append('\n').ToString();

        void Line(IEnumerable<string> cells) =>
            text.Append(string.Concat(cells.Select((cell, i) => cell.PadLeft(i == 0 ? 5 : 13)))).Append('\n');
    }

    private static string Number(double? value) => value?.ToString("G4", CultureInfo.InvariantCulture) ?? "-";

    private static string Small(double? value) => value?.ToString("0.0e+00", CultureInfo.InvariantCulture) ?? "-";
}
