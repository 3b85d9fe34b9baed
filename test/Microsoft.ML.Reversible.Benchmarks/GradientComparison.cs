using System.CommandLine;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>Gradients of the reversible way back beside those of the stored one, on the same weights and data.</summary>
internal static class GradientComparison
{
    public static Command Command()
    {
        var layers = new Option<int>("--layers") { DefaultValueFactory = _ => 12 };
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var precision = new Option<Precision>("--precision");
        var command = new Command("gradients", "Largest relative error of a parameter's gradient, reversible against stored.") { layers, device, precision };
        command.SetAction(p =>
        {
            double error = Measure(p.GetValue(layers), torch.device(p.GetValue(device)!), p.GetValue(precision));
            Console.WriteLine($"{p.GetValue(layers)} layers, {p.GetValue(device)}, {p.GetValue(precision)}: relative error {error:E2}");
        });
        return command;
    }

    /// <summary>The largest of ‖g_reversible - g_stored‖ / ‖g_stored‖ over the parameters.</summary>
    internal static double Measure(int layers, Device device, Precision precision)
    {
        using var scope = NewDisposeScope();
        using GptModel stored = Make(WayBack.Stored), reversible = Make(WayBack.Reversible);
        using var random = new Generator(7);
        Tensor ids = randint(0, 128, [4, 64], generator: random).to(device), targets = randint(0, 128, [4 * 64], generator: random).to(device);
        LanguageModelLoss.Differentiate(stored, ids, targets, 1.0 / 256);
        LanguageModelLoss.Differentiate(reversible, ids, targets, 1.0 / 256);
        return stored.parameters().Zip(reversible.parameters(), (s, r) => ((r.grad! - s.grad!).norm() / s.grad!.norm()).ToDouble()).Max();

        GptModel Make(WayBack wayBack) => new(
            new GptConfiguration { VocabularySize = 128, ContextLength = 64, LayerCount = layers, HeadCount = 4, Width = 128 },
            Scheme.Midpoint, wayBack, Arithmetic.Float, precision, device, seed: 1);
    }
}
