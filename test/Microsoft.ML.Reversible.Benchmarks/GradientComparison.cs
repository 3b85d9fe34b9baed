using System.CommandLine;
using System.Text.Json;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// A parity report in the manner of llm.c's test: the gradients of one way back beside those of the stored one, parameter by parameter, on
/// the same weights and data.
/// </summary>
internal static class GradientComparison
{
    /// <summary>What was compared, in the field names of the command line's gradcheck.</summary>
    internal sealed record Result(
        string scheme, string arithmetic, string way_back, int parameters, long elements,
        long differing_elements, double max_relative_error);

    public static Command Command()
    {
        var layers = new Option<int>("--layers") { DefaultValueFactory = _ => 12 };
        var scheme = new Option<string>("--scheme") { DefaultValueFactory = _ => "midpoint" };
        var arithmetic = new Option<Arithmetic?>("--arithmetic");
        var wayBack = new Option<WayBack>("--way-back") { DefaultValueFactory = _ => WayBack.Reversible };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var precision = new Option<Precision>("--precision");
        var json = new Option<bool>("--json") { Description = "One line of JSON instead of the report." };
        var command = new Command("gradcheck", "Gradients of a way back beside the stored one's.")
        {
            layers, scheme, arithmetic, wayBack, device, precision, json
        };
        command.SetAction(p =>
        {
            Scheme s = Scheme.Parse(p.GetValue(scheme)!);
            Result result = Compare(p.GetValue(layers), s, p.GetValue(arithmetic) ?? s.DefaultArithmetic, p.GetValue(wayBack),
                torch.device(p.GetValue(device)!), p.GetValue(precision), p.GetValue(json) ? null : Console.Out);
            if (p.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(result));
        });
        return command;
    }

    /// <summary>Compares, and writes a line a parameter where there is somewhere to write.</summary>
    internal static Result Compare(
        int layers, Scheme scheme, Arithmetic arithmetic, WayBack wayBack, Device device, Precision precision, TextWriter? report)
    {
        using var scope = NewDisposeScope();
        using LanguageNetwork stored = Make(WayBack.Stored), other = Make(wayBack);
        using var random = new Generator(7);
        Tensor ids = randint(0, 128, [4, 64], dtype: ScalarType.Int64, generator: random).to(device);
        Tensor targets = randint(0, 128, [4 * 64], dtype: ScalarType.Int64, generator: random).to(device);
        LanguageModelLoss.Differentiate(stored, ids, targets, 1.0 / 256, seed: 1);
        LanguageModelLoss.Differentiate(other, ids, targets, 1.0 / 256, seed: 1);

        long elements = 0, differing = 0;
        double worst = 0;
        report?.WriteLine($"{"parameter",-40} {"elements",10} {"differing",10} {"relative error",16}");
        foreach (var (name, expected, actual) in stored.Weights().Zip(other.Weights(), (s, o) => (s.Name, s.Parameter.grad!, o.Parameter.grad!)))
        {
            long different = expected.ne(actual).sum().item<long>();
            double error = ((actual - expected).norm() / expected.norm()).ToDouble();
            report?.WriteLine($"{name,-40} {expected.numel(),10} {different,10} {error,16:E2} {(different == 0 ? "same bits" : "")}");
            (elements, differing, worst) = (elements + expected.numel(), differing + different, Math.Max(worst, error));
        }
        report?.WriteLine(
            $"{scheme}, {arithmetic}, {wayBack} against Stored, {layers} layers, {precision}, {device}: " +
            $"{differing} of {elements} elements differ, largest relative error {worst:E2}");
        bool okay = arithmetic == Arithmetic.Exact ? differing == 0 : worst < (precision == Precision.Float32 ? 1e-4 : 0.1);
        report?.WriteLine($"overall okay: {(okay ? 1 : 0)}");
        return new(
            scheme.ToString(), arithmetic.ToString().ToLowerInvariant(), wayBack.ToString().ToLowerInvariant(),
            stored.Weights().Count(), elements, differing, worst);

        LanguageNetwork Make(WayBack way) =>
            new GptConfiguration { VocabularySize = 128, ContextLength = 64, LayerCount = layers, HeadCount = 4, Width = 128 }.Build(
            scheme, way, arithmetic, precision, device, seed: 1);
    }
}
