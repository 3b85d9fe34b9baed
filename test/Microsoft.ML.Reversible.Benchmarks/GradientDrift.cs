using System.CommandLine;
using Microsoft.ML.Reversible.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Measures the error of gradients, compared with the stored mode in float64, by scheme, backward mode, precision and depth.
/// </summary>
internal static class GradientDrift
{
    private static readonly int[] Depths = [3, 12, 24, 48, 96];

    public static System.CommandLine.Command Command()
    {
        var device = new Option<string>("--device") { DefaultValueFactory = _ => "cpu" };
        var command = new System.CommandLine.Command(
            "drift", "Measures the relative error of the blocks' gradients compared with stored float64, as a Markdown table.")
        {
            device
        };
        command.SetAction(p => Show(torch.device(p.GetValue(device)!)));
        return command;
    }

    private static void Show(Device device)
    {
        Console.WriteLine($"| scheme | arithmetic | backward mode | blocks | {string.Join(" | ", Depths)} |");
        Console.WriteLine($"| --- | --- | --- | --- |{string.Concat(Depths.Select(_ => " --- |"))}");
        foreach (Scheme scheme
            in new Scheme[] { new Midpoint(), new Leapfrog(), new Hamiltonian(), new MidpointA(), new Bdia { Bits = 24 } })
        {
            foreach (ScalarType compute in new[] { ScalarType.Float32, ScalarType.BFloat16 })
            {
                foreach (Arithmetic arithmetic in Enum.GetValues<Arithmetic>().Where(a => a == Arithmetic.Float || scheme.CanBeExact))
                {
                    foreach (BackwardMode backwardMode in new[] { BackwardMode.Stored, BackwardMode.Reversible })
                    {
                        if (backwardMode == BackwardMode.Reversible && scheme.WhyNotReversible(arithmetic) is not null) continue;
                        IEnumerable<string> errors =
                            Depths.Select(depth => $"{Error(scheme, arithmetic, backwardMode, compute, depth, device):E1}");
                        Console.WriteLine($"| {scheme.Name} | {arithmetic} | {backwardMode} | {compute} | {string.Join(" | ", errors)} |");
                    }
                }
            }
        }
    }

    /// <summary>Returns the relative error of all blocks' gradients together.</summary>
    internal static double Error(
        Scheme scheme, Arithmetic arithmetic, BackwardMode backwardMode, ScalarType compute, int depth, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor reference = Gradients(scheme, Arithmetic.Float, BackwardMode.Stored, ScalarType.Float64, ScalarType.Float64, depth, device);
        Tensor measured = Gradients(scheme, arithmetic, backwardMode, compute, ScalarType.Float32, depth, device);
        return ((measured - reference).norm() / reference.norm()).ToDouble();
    }

    private static Tensor Gradients(
        Scheme scheme, Arithmetic arithmetic, BackwardMode backwardMode, ScalarType compute, ScalarType state, int depth, Device device)
    {
        using var scope = NewDisposeScope();
        var shape = new GptConfiguration { VocabularySize = 8, ContextLength = 32, LayerCount = depth, HeadCount = 4, Width = 64 };
        using var make = new ParameterFactory(device, seed: 1);
        using var blocks = new ModuleList<TransformerBlock>(
            [.. Enumerable.Range(0, depth).Select(_ => GptModel.Block(shape, compute, make))]);
        // A list of modules has the parameters of its members only once a module holds it.
        Parameter[] parameters = [.. blocks.SelectMany(block => block.parameters())];
        using FlatParameters flat = make.Allocate([parameters]);
        using var random = new Generator(2);
        Tensor input = randn([2, 32, 64], dtype: ScalarType.Float64, generator: random).to(state, device);
        Tensor gradient = randn([2, 32, 64], dtype: ScalarType.Float64, generator: random).to(state, device);
        using StackPass pass = new LayerStack(scheme.Bind(depth, seed: 1), blocks, backwardMode, arithmetic).Forward(input, seed: 1);
        pass.Backward(gradient);
        return cat([.. parameters.Select(p => p.grad!.flatten().to(ScalarType.Float64))], 0).MoveToOuterDisposeScope();
    }
}
