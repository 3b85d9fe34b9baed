using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>A random stack and input; run forward with every state kept, then back through the scheme's inverse.</summary>
/// <param name="Depth">Number of blocks.</param>
/// <param name="Batch">Samples.</param>
/// <param name="Context">Tokens a sample.</param>
/// <param name="Width">Length of a vector.</param>
/// <param name="Seed">Seeds weights, input and draws.</param>
/// <param name="Deviation">Of the weights; small ones make contractions.</param>
internal sealed record StackCase(int Depth, int Batch, int Context, int Width, int Seed, double Deviation)
{
    /// <summary>How wrong the scheme rebuilds the streams of this case.</summary>
    public double RebuildError(Scheme scheme, Arithmetic arithmetic)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator((ulong)Seed);
        TanhBlock[] blocks = [.. Enumerable.Range(0, Depth).Select(_ => new TanhBlock(Width, Deviation, random, ScalarType.Float32))];
        double error = RebuildError(
            new LayerStack(scheme, blocks, WayBack.Stored, arithmetic),
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
        List<Tensor> streams = [layers.Enter(input)];
        foreach (Layer layer in layers)
        {
            Tensor f = stack.Blocks[layer.Index].call(layers.ForBlock(streams[^1]));
            streams.Add(stack.Scheme.Step(layer, (streams.Count > 1 ? streams[^2] : streams[0]).clone(), streams[^1], f));
        }

        double worst = 0;
        Tensor next = streams[^1], current = streams[^2];
        for (int l = stack.Blocks.Count - 1; l >= 2; l--)
        {
            Tensor f = stack.Blocks[l].call(layers.ForBlock(current));
            (next, current) = (current, stack.Scheme.Inverse(layers[l], current, next.clone(), f));
            worst = Math.Max(worst, Largest(current - streams[l - 1]));
        }
        return worst / streams.Max(Largest);
    }

    private static double Largest(Tensor x) => x.abs().max().to(ScalarType.Float64).item<double>();
}
