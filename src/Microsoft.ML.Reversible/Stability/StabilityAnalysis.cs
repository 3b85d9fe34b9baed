using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.MLNet;
using Microsoft.ML.Reversible.Stack;
using Microsoft.ML.Reversible.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>Analyses the stability of a scheme over a list of functions, at the hidden states of given inputs.</summary>
/// <param name="scheme">The scheme.</param>
/// <param name="arithmetic">The arithmetic that the model is trained in. The analysis itself is always in floating point.</param>
/// <param name="functions">The functions that the scheme runs over, in order.</param>
/// <param name="krylovDimension">
/// The number of steps of the eigenvalue iteration, and the maximum of the singular value iteration; at least 1.
/// </param>
/// <param name="seed">The seed of the iterations and the scheme's random draws.</param>
internal sealed class StabilityAnalysis(Scheme scheme, Arithmetic arithmetic, IReadOnlyList<Block> functions, int krylovDimension, int seed)
{
    private readonly IReadOnlyList<LayerRecurrence> _layers = LayerRecurrence.Of(scheme, functions.Count);

    /// <summary>Creates the analysis of a stack.</summary>
    public StabilityAnalysis(LayerStack stack, int krylovDimension, int seed)
        : this(stack.Scheme, stack.Arithmetic, stack.Blocks, krylovDimension, seed)
    {
    }

    /// <summary>Runs the analysis.</summary>
    /// <param name="inputs">p₀ of each window, of shape [1, context, width]; at least one.</param>
    /// <param name="cancellationToken">Cancels the analysis between two layers, or between two passes over all layers.</param>
    /// <exception cref="InvalidOperationException">A hidden state or a derivative is not finite.</exception>
    public StabilityReport Run(IReadOnlyList<Tensor> inputs, CancellationToken cancellationToken = default)
    {
        var random = new Random(seed);
        List<(LayerStability[] Layers, StackAmplification Stack)> windows =
            [.. inputs.Select(input => Window(input, random, cancellationToken))];
        LayerStability[] layers = [.. _layers.Select((_, l) => Merge([.. windows.Select(window => window.Layers[l])]))];
        StackAmplification stack = windows.Select(window => window.Stack).Aggregate((a, b) => a.Or(b));
        return new(
            scheme, layers, stack, StabilityVerdict.Of(scheme, layers, _layers, stack), StabilitySuggestion.Of(scheme, arithmetic, layers));
    }

    private (LayerStability[] Layers, StackAmplification Stack) Window(Tensor input, Random random, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        IReadOnlyList<Recurrence> steps = LayerRecurrence.Draw(scheme, functions.Count, random);
        var trajectory = new Trajectory(functions, steps, input);
        return (Layers(trajectory, cancellationToken), Stack(new(functions, steps, l => trajectory[l]), cancellationToken));
    }

    private StackAmplification Stack(StackMap map, CancellationToken cancellationToken)
    {
        return new(Of(map.Forward, map.ForwardTransposed), map.HasInverse ? Of(map.Inverse, map.InverseTransposed) : null);

        double Of(Func<Tensor, Tensor> apply, Func<Tensor, Tensor> applyTransposed) =>
            new LargestAmplification(apply, applyTransposed, map.Size).Find(krylovDimension, seed, map.Device, cancellationToken);
    }

    private LayerStability[] Layers(Trajectory trajectory, CancellationToken cancellationToken)
    {
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
                GrowsLinearly = eigenvalues.Any(e => layer.IsLinear(e.Value, _layers.Count)) && !IsConstant(layer, trajectory),
                RebuildError = Over([.. layer.Functions.Select(f => errors[f])]),
            };
        })];
    }

    private IReadOnlyList<EigenvalueEstimate> Eigenvalues(LayerRecurrence layer, Trajectory trajectory, int start)
    {
        using var scope = NewDisposeScope();
        return Spectrum.Of(new TransposedJacobian(layer.Functions.Select(f => (functions[f], trajectory[f]))), krylovDimension, start);
    }

    /// <summary>
    /// Returns whether the functions of a pair do not depend on their inputs. The pair then keeps both states unchanged, although its root
    /// is double.
    /// </summary>
    private bool IsConstant(LayerRecurrence layer, Trajectory trajectory)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(unchecked((ulong)seed));
        return layer.FunctionCount > 1 && layer.Functions.All(f =>
        {
            var jacobian = new TransposedJacobian([(functions[f], trajectory[f])]);
            Tensor vector = randn([jacobian.Size], dtype: ScalarType.Float64, device: CPU, generator: random).to(jacobian.Device);
            return jacobian.Apply(vector).norm().ToDouble() == 0;
        });
    }

    private static LayerStability Merge(IReadOnlyList<LayerStability> windows)
    {
        Growth growth = windows.Select(w => w.Growth).Aggregate((a, b) => a.Or(b));
        return windows[0] with
        {
            Eigenvalues = [.. windows.SelectMany(w => w.Eigenvalues)],
            ForwardGrowth = growth.Forward,
            BackwardGrowth = growth.Backward,
            GrowsLinearly = windows.Any(w => w.GrowsLinearly),
            RebuildError = Over([.. windows.Select(w => w.RebuildError)]),
        };
    }

    private static RebuildError? Over(RebuildError?[] errors) =>
        errors.All(e => e is not null) ? RebuildError.Over([.. errors.Select(e => e!.Value)]) : null;
}

/// <summary>Analyses the stability of a language model at the hidden states of a text.</summary>
internal static class TextStability
{
    /// <summary>Analyses a model on the first windows of data.</summary>
    /// <param name="model">The model.</param>
    /// <param name="textColumnName">The data's text column.</param>
    /// <param name="data">The data. Only the rows that the windows need are read.</param>
    /// <param name="windowCount">The maximum number of windows, at least 1.</param>
    /// <param name="krylovDimension">
    /// The number of steps of the eigenvalue iteration, and the maximum of the singular value iteration; at least 1.
    /// </param>
    /// <param name="seed">The seed of the iterations and the scheme's random draws.</param>
    /// <param name="cancellationToken">Cancels the analysis.</param>
    public static StabilityReport Analyze(
        LanguageModel model,
        string textColumnName,
        IDataView data,
        int windowCount,
        int krylovDimension,
        int seed,
        CancellationToken cancellationToken)
    {
        Positive(windowCount, nameof(windowCount));
        Positive(krylovDimension, nameof(krylovDimension));
        using var scope = NewDisposeScope();
        using var modes = AutogradModes.Default();
        using var noGraph = no_grad();
        LanguageNetwork network = model.Network;
        IEnumerable<string> texts = TextColumn.Read(data, textColumnName);
        Tensor[] inputs = [.. Windows(texts, model.Tokenizer, network.Configuration.ContextLength, windowCount)
            .Select(window => network.Embed(tensor(window, [1, window.Length], device: network.Device)))];
        return new StabilityAnalysis(network.Stack, krylovDimension, seed).Run(inputs, cancellationToken);
    }

    /// <summary>
    /// Returns the first windows, consecutive and without overlap. Data shorter than the context is one window of its own length.
    /// </summary>
    private static IEnumerable<long[]> Windows(IEnumerable<string> texts, LanguageModelTokenizer tokenizer, int context, int windowCount)
    {
        List<long> ids = [];
        foreach (string text in texts.Where(text => text.Length > 0))
        {
            ids.AddRange(TokenPacker.Pack(text, tokenizer).Select(id => (long)id));
            if (ids.Count >= (long)context * windowCount) break;
        }
        if (ids.Count == 0) throw new InvalidOperationException("The data has no rows with text. Give at least one row that is not empty.");
        int length = Math.Min(context, ids.Count);
        return ids.Chunk(length).Where(window => window.Length == length).Take(windowCount);
    }

    private static void Positive(int value, string name)
    {
        if (value < 1) throw new ArgumentOutOfRangeException(name, value, $"{name} must be at least 1.");
    }
}
