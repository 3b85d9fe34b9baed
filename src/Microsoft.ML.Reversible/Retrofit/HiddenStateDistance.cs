using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// The distance of a student's hidden states s from its teacher's hidden states t for one batch: the mean over the pairs of a map, summed
/// over the tokens whose targets are not ignored, times a weight w:
/// <code>
///     loss = w mean over pairs of ‖s - t‖² / ‖t‖²          dloss/ds = 2 w / pairs · (s - t) / ‖t‖²
/// </code>
/// The norms ‖·‖ are over the channels of one token, so a token's loss is relative and does not depend on other tokens.
/// </summary>
/// <param name="weight">w, positive.</param>
/// <param name="map">The pairs of hidden states.</param>
/// <param name="ignored">The mask of ignored targets, of shape [batch, context, 1], on the student's device.</param>
/// <param name="scale">The factor of the gradients.</param>
internal sealed class HiddenStateDistance(double weight, IReadOnlyList<LayerPair> map, Tensor ignored, double scale) : IDisposable
{
    private const float SmallestSquare = 1e-30f;
    private readonly Dictionary<int, Tensor> _teacher = [];

    /// <summary>The unscaled loss of the hidden states seen so far: a float64 scalar.</summary>
    public Tensor LossSum { get; } = zeros(1, dtype: ScalarType.Float64, device: ignored.device).DetachFromDisposeScope();

    /// <summary>Stores a hidden state of the teacher, if the map has it.</summary>
    public void Keep(int layer, Tensor state)
    {
        if (map.Any(pair => pair.Teacher == layer)) _teacher[layer] = state.detach().to(ignored.device).DetachFromDisposeScope();
    }

    /// <summary>Adds some rows of a hidden state of the student to the loss.</summary>
    /// <returns>The scaled gradient, of the state's shape, at least float32; null if the map does not have the state.</returns>
    public Tensor? Differentiate(int layer, RowRange rows, Tensor state)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        if (state.dtype != ScalarType.Float64) state = state.to(ScalarType.Float32);
        Tensor? gradient = null;
        foreach (LayerPair pair in map.Where(pair => pair.Student == layer))
        {
            Tensor teacher = rows.Of(_teacher[pair.Teacher]).to(state.dtype);
            // The square may underflow to 0, so it is clamped before the division.
            Tensor factor = teacher.square().sum(-1, keepdim: true).clamp_min_(SmallestSquare).reciprocal_()
                .mul_(weight / map.Count).masked_fill_(rows.Of(ignored), 0);
            Tensor difference = state - teacher;
            LossSum.add_(difference.square().sum(-1, keepdim: true).mul_(factor).sum(ScalarType.Float64));
            difference.mul_(factor.mul_(2 * scale));
            gradient = gradient is null ? difference : gradient.add_(difference);
        }
        return gradient?.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        LossSum.Dispose();
        foreach (Tensor state in _teacher.Values) state.Dispose();
    }
}
