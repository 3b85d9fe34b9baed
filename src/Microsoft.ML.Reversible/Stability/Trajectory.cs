using TorchSharp;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stability;

/// <summary>
/// All hidden states of one window, and the errors of rebuilding them by running the recurrence backward in the same floating-point type.
/// </summary>
/// <remarks>The states belong to the dispose scope in which the object is created.</remarks>
internal sealed class Trajectory
{
    private readonly IReadOnlyList<Block> _functions;
    private readonly IReadOnlyList<Recurrence> _steps;
    private readonly List<Tensor> _states;

    /// <summary>Runs the recurrence forward.</summary>
    /// <param name="functions">The functions f_l in order.</param>
    /// <param name="steps">The recurrence of each.</param>
    /// <param name="input">p₀, of shape [1, context, width].</param>
    /// <exception cref="InvalidOperationException">A hidden state is not finite.</exception>
    public Trajectory(IReadOnlyList<Block> functions, IReadOnlyList<Recurrence> steps, Tensor input)
    {
        (_functions, _steps) = (functions, steps);
        using var noGraph = no_grad();
        _states = [input.detach()];
        for (int l = 0; l < functions.Count; l++)
        {
            using var scope = NewDisposeScope();
            Tensor next = F(l, _states[l]) + _states[l] * steps[l].B + _states[Math.Max(l - 1, 0)] * steps[l].A;
            double size = next.abs().max().ToDouble();
            if (!double.IsFinite(size))
                throw new InvalidOperationException(
                    $"The hidden state after layer {l} is not finite, so the model's stability cannot be analysed.");
            _states.Add(next.MoveToOuterDisposeScope());
        }
    }

    /// <summary>The hidden state p_l at which function l is evaluated.</summary>
    public Tensor this[int l] => _states[l];

    /// <summary>
    /// Rebuilds each p_l, for l from L-1 down to 0, from the last two states, and returns the errors; null below a layer without inverse.
    /// In training the network keeps p₀, but here it is rebuilt like the others.
    /// </summary>
    public IReadOnlyList<RebuildError?> RebuildErrors()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        var errors = new RebuildError?[_functions.Count];
        Tensor next = _states[^1], current = _states[^2];
        errors[^1] = RebuildError.Of(current, current);
        for (int l = _functions.Count - 1; l >= 1 && _steps[l].A != 0; l--)
        {
            Tensor before = (next - current * _steps[l].B - F(l, current)) / _steps[l].A;
            (next, current) = (current, before);
            errors[l - 1] = RebuildError.Of(before, _states[l - 1]);
        }
        return errors;
    }

    /// <summary>Returns C f_l(p), in the type of the states.</summary>
    private Tensor F(int l, Tensor p) => _functions[l].call(p).to(p.dtype) * _steps[l].C;
}
