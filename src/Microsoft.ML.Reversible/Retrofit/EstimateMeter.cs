using Microsoft.ML.Reversible.Data;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>Measures the <see cref="LayerEstimate"/>s of residual blocks over several batches.</summary>
/// <param name="blocks">The blocks f_0, f_1, ...; the last one's input needs no estimate.</param>
/// <param name="steps">M, at least 1.</param>
/// <param name="seed">The seed of the search for the singular values.</param>
internal sealed class EstimateMeter(IReadOnlyList<Block> blocks, int steps, int seed = 0)
{
    private const int SampleTokens = 128;
    private const int MaxSamples = 2;

    private readonly double[,] _errors = new double[blocks.Count, steps + 1];
    private readonly double[] _sizes = new double[blocks.Count];
    private readonly double[] _factors = new double[blocks.Count];
    private int _samples;

    /// <summary>Measures a residual teacher's blocks.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="batches">The text.</param>
    /// <param name="steps">M, at least 1.</param>
    /// <param name="cancellationToken">Cancels the measurement between two layers.</param>
    /// <returns>An estimate for each layer from 1.</returns>
    /// <exception cref="InvalidOperationException">A hidden state or a derivative is not finite.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static IReadOnlyList<LayerEstimate> Measure(
        LanguageNetwork teacher, IEnumerable<TokenBatch> batches, int steps, CancellationToken cancellationToken = default)
    {
        var meter = new EstimateMeter(teacher.Blocks, steps);
        foreach (TokenBatch batch in batches)
        {
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            (Tensor ids, Tensor targets) = batch.ToTensors(teacher.Device);
            meter.Add(teacher.Embed(ids), targets.ne(TokenBatch.Ignored).view(ids.shape), cancellationToken);
        }
        return meter.Results();
    }

    /// <summary>Adds a batch.</summary>
    /// <param name="input">x₀, of shape [batch, context, width].</param>
    /// <param name="counted">The mask of the tokens that are measured, bool, of shape [batch, context].</param>
    /// <param name="cancellationToken">Cancels the measurement between two layers.</param>
    public void Add(Tensor input, Tensor counted, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        bool samples = _samples++ < MaxSamples;
        Tensor before = input.detach();
        for (int l = 0; l < blocks.Count - 1; l++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var layer = NewDisposeScope();
            if (samples) _factors[l] = Math.Max(_factors[l], LargestSingularValue.Of(blocks[l], Beginning(before), seed + l));
            Tensor behind = before + F(l, before);
            _sizes[l] += Square(before, counted);
            Tensor estimate = behind;
            for (int m = 0; m <= steps; m++)
            {
                using var step = NewDisposeScope();
                if (m > 0) estimate = (behind - F(l, estimate)).MoveToOuterDisposeScope();
                _errors[l, m] += Square(estimate - before, counted);
            }
            before = behind.MoveToOuterDisposeScope();
        }
    }

    /// <summary>Returns the estimates of all batches together, for each layer from 1.</summary>
    public IReadOnlyList<LayerEstimate> Results() =>
    [
        .. Enumerable.Range(0, blocks.Count - 1).Select(l => new LayerEstimate
        {
            Layer = l + 1,
            RelativeErrors = [.. Enumerable.Range(0, steps + 1).Select(m => Math.Sqrt(_errors[l, m] / _sizes[l]))],
            LipschitzFactor = _factors[l],
        }),
    ];

    private static Tensor Beginning(Tensor state) => state.narrow(0, 0, 1).narrow(1, 0, Math.Min(SampleTokens, state.shape[1]));

    /// <summary>Returns f of a hidden state, in the state's type.</summary>
    private Tensor F(int l, Tensor state) => blocks[l].call(state).to(state.dtype);

    private static double Square(Tensor state, Tensor counted) =>
        state.to(ScalarType.Float64).square().sum(2).masked_fill_(counted.logical_not(), 0).sum(ScalarType.Float64).ToDouble();
}
