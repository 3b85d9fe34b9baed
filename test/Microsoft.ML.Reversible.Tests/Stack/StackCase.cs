using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>A random stack and input: run forward with all states kept, then rebuilt with the scheme's inverse.</summary>
/// <param name="Depth">Number of blocks.</param>
/// <param name="Batch">Samples.</param>
/// <param name="Context">Tokens a sample.</param>
/// <param name="Width">Length of a vector.</param>
/// <param name="Seed">Seeds weights, input and draws.</param>
/// <param name="Deviation">The standard deviation of the weights; small ones make contractions.</param>
internal sealed record StackCase(int Depth, int Batch, int Context, int Width, int Seed, double Deviation)
{
    /// <summary>Measures the error of the hidden states that the scheme rebuilds.</summary>
    public double RebuildError(Scheme scheme, Arithmetic arithmetic)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator((ulong)Seed);
        TanhBlock[] blocks = [.. Enumerable.Range(0, Depth).Select(_ => new TanhBlock(Width, Deviation, random, ScalarType.Float32))];
        double error = RebuildError(
            new LayerStack(scheme, blocks, BackwardMode.Stored, arithmetic),
            randn([Batch, Context, Width], generator: random), Seed);
        foreach (TanhBlock block in blocks) block.Dispose();
        return error;
    }

    /// <summary>
    /// The largest difference between a rebuilt state and its original, relative to the largest state; 0 means the same bits.
    /// </summary>
    public static double RebuildError(LayerStack stack, Tensor input, long seed)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var layers = new LayerList(stack, input, new RowRange(0, input.shape[0]), seed, rebuilds: true, keepsStates: true);
        List<Tensor> states = [layers.Enter(input)];
        foreach (Layer layer in layers)
        {
            Tensor f = stack.Blocks[layer.Index].call(layers.ForBlock(states[^1]));
            states.Add(stack.Scheme.Step(layer, (states.Count > 1 ? states[^2] : states[0]).clone(), states[^1], f));
        }

        double worst = 0;
        Tensor next = states[^1], current = states[^2];
        for (int l = stack.Blocks.Count - 1; l >= 2; l--)
        {
            Tensor f = stack.Blocks[l].call(layers.ForBlock(current));
            (next, current) = (current, stack.Scheme.Inverse(layers[l], current, next.clone(), f));
            worst = Math.Max(worst, Largest(current - states[l - 1]));
        }
        return worst / states.Max(Largest);
    }

    private static double Largest(Tensor x) => x.abs().max().to(ScalarType.Float64).item<double>();
}
