using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Analyses a scheme over a list of functions at the streams that given inputs lead to.</summary>
/// <param name="scheme">The scheme.</param>
/// <param name="arithmetic">The arithmetic that the model trains in; the analysis itself is always in floating point.</param>
/// <param name="functions">The functions that the scheme runs over, in order.</param>
/// <param name="krylovDimension">Steps of the eigenvalue iteration, at least 1.</param>
/// <param name="seed">Seeds the iteration and what the scheme draws.</param>
internal sealed class StabilityAnalysis(Scheme scheme, Arithmetic arithmetic, IReadOnlyList<Block> functions, int krylovDimension, int seed)
{
    private readonly IReadOnlyList<LayerRecurrence> _layers = LayerRecurrence.Of(scheme, functions.Count);

    /// <summary>Of a stack.</summary>
    public StabilityAnalysis(LayerStack stack, int krylovDimension, int seed)
        : this(stack.Scheme, stack.Arithmetic, stack.Blocks, krylovDimension, seed)
    {
    }

    /// <summary>Runs the analysis.</summary>
    /// <param name="inputs">p₀ of each window, of shape [1, context, width]; at least one.</param>
    /// <param name="cancellationToken">Ends the analysis between two layers.</param>
    /// <exception cref="InvalidOperationException">A stream or a derivative is not finite.</exception>
    public StabilityReport Run(IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken = default)
    {
        var random = new Random(seed);
        List<LayerStability[]> windows = [.. inputs.Select(input => Window(input, random, cancellationToken))];
        LayerStability[] layers = [.. Enumerable.Range(0, _layers.Count).Select(l => Merge([.. windows.Select(window => window[l])]))];
        return new(scheme, layers, StabilityVerdict.Of(scheme, layers, _layers), StabilitySuggestion.Of(scheme, arithmetic, layers));
    }

    private LayerStability[] Window(Tensor input, Random random, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        var trajectory = new Trajectory(functions, LayerRecurrence.Draw(scheme, functions.Count, random), input);
        IReadOnlyList<RebuildError?> errors = trajectory.RebuildErrors();
        return [.. _layers.Select((layer, l) =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<EigenvalueEstimate> eigenvalues = Eigenvalues(layer, trajectory, seed + l);
            Growth growth = eigenvalues.Select(e => layer.At(e.Value)).Aggregate((a, b) => a.Or(b));
            return new LayerStability
            {
                Layer = l,
                Eigenvalues = eigenvalues,
                ForwardGrowth = growth.Forward,
                BackwardGrowth = growth.Backward,
                RebuildError = Over([.. layer.Functions.Select(f => errors[f])]),
            };
        })];
    }

    private IReadOnlyList<EigenvalueEstimate> Eigenvalues(LayerRecurrence layer, Trajectory trajectory, int start)
    {
        using var scope = NewDisposeScope();
        return Spectrum.Of(new TransposedJacobian(layer.Functions.Select(f => (functions[f], trajectory[f]))), krylovDimension, start);
    }

    private static LayerStability Merge(IReadOnlyList<LayerStability> windows)
    {
        Growth growth = windows.Select(w => w.Growth).Aggregate((a, b) => a.Or(b));
        return windows[0] with
        {
            Eigenvalues = [.. windows.SelectMany(w => w.Eigenvalues)],
            ForwardGrowth = growth.Forward,
            BackwardGrowth = growth.Backward,
            RebuildError = Over([.. windows.Select(w => w.RebuildError)]),
        };
    }

    private static RebuildError? Over(RebuildError?[] errors) =>
        errors.All(e => e is not null) ? RebuildError.Over([.. errors.Select(e => e!.Value)]) : null;
}
