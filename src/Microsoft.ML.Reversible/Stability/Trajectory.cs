using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// The streams of one window, all kept, and how far from them the recurrence ends up when it is run back in the streams' own floating
/// point.
/// </summary>
/// <remarks>The streams belong to the dispose scope in which the object is made.</remarks>
internal sealed class Trajectory
{
    private readonly IReadOnlyList<Block> _functions;
    private readonly IReadOnlyList<Recurrence> _steps;
    private readonly List<Tensor> _streams;

    /// <summary>Runs forward.</summary>
    /// <param name="functions">The functions f_l in order.</param>
    /// <param name="steps">The recurrence of each.</param>
    /// <param name="input">p₀, of shape [1, context, width].</param>
    /// <exception cref="InvalidOperationException">A stream is not finite.</exception>
    public Trajectory(IReadOnlyList<Block> functions, IReadOnlyList<Recurrence> steps, Tensor input)
    {
        (_functions, _steps) = (functions, steps);
        using var noGraph = no_grad();
        _streams = [input.detach()];
        for (int l = 0; l < functions.Count; l++)
        {
            using var scope = NewDisposeScope();
            Tensor next = F(l, _streams[l]) + _streams[l] * steps[l].B + _streams[Math.Max(l - 1, 0)] * steps[l].A;
            double size = next.abs().max().ToDouble();
            if (!double.IsFinite(size))
                throw new InvalidOperationException($"The stream after layer {l} is not finite, so the model has no stability to analyse.");
            _streams.Add(next.MoveToOuterDisposeScope());
        }
    }

    /// <summary>The stream p_l that function l is evaluated at.</summary>
    public Tensor this[int l] => _streams[l];

    /// <summary>
    /// How wrong each p_l is rebuilt, for l from 0 to L-1, starting from the last two streams. Null from where there is no way back; the
    /// network keeps p₀ when it trains, but it is rebuilt here like the others.
    /// </summary>
    public IReadOnlyList<RebuildError?> RebuildErrors()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        var errors = new RebuildError?[_functions.Count];
        Tensor next = _streams[^1], current = _streams[^2];
        errors[^1] = RebuildError.Of(current, current);
        for (int l = _functions.Count - 1; l >= 1 && _steps[l].A != 0; l--)
        {
            Tensor before = (next - current * _steps[l].B - F(l, current)) / _steps[l].A;
            (next, current) = (current, before);
            errors[l - 1] = RebuildError.Of(before, _streams[l - 1]);
        }
        return errors;
    }

    /// <summary>C f_l(p), in the streams' type.</summary>
    private Tensor F(int l, Tensor p) => _functions[l].call(p).to(p.dtype) * _steps[l].C;
}
