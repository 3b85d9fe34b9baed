using Microsoft.ML.Reversible.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Parameters in a stretch of a buffer, with AdamW's two moments and a gradient laid out alike.</summary>
internal sealed class FlatAdamWGroup : IDisposable
{
    /// <summary>Below this, the square of a gradient's scale gets out of float32's range.</summary>
    private const double LeastFoldedScale = 1e-12;

    private readonly Parameter[] _parameters;
    private readonly Tensor[] _gradientViews;
    private readonly Tensor _values;
    private readonly Tensor _decaying;
    private readonly Tensor _gradient;

    /// <summary>Makes the group; it takes over the tensors that it is given.</summary>
    /// <param name="layout">The parameters, float32, with values.</param>
    /// <param name="values">
    /// Their stretch, of shape [<see cref="FlatLayout.Used"/>], where they are already or are moved to now.
    /// </param>
    /// <param name="gradient">The gradient's stretch, of shape [<see cref="FlatLayout.Length"/>]; other groups may use it too.</param>
    /// <param name="firstMoment">Zeros of the same shape.</param>
    /// <param name="secondMoment">Zeros of the same shape.</param>
    public FlatAdamWGroup(FlatLayout layout, Tensor values, Tensor gradient, Tensor firstMoment, Tensor secondMoment)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        _parameters = [.. layout.Parameters];
        layout.Move(values);
        _values = values.DetachFromDisposeScope();
        _decaying = values.narrow(0, 0, layout.MatrixElements).DetachFromDisposeScope();
        _gradient = gradient.DetachFromDisposeScope();
        _gradientViews = [.. layout.Views(gradient).Select(view => view.DetachFromDisposeScope())];
        FirstMoment = firstMoment.DetachFromDisposeScope();
        SecondMoment = secondMoment.DetachFromDisposeScope();
    }

    /// <summary>The running mean of the gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor FirstMoment { get; }

    /// <summary>The running mean of the squared gradient, float32, laid out as the parameters, of shape [n].</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Makes the parameters' <c>grad</c> views of the gradient's buffer; backward passes then add to them in place.</summary>
    public void AttachGradients()
    {
        for (int i = 0; i < _parameters.Length; i++) _parameters[i].grad = _gradientViews[i];
    }

    /// <summary>Attaches them after adding the <c>grad</c> that parameters have.</summary>
    public void TakeOverGradients()
    {
        using (no_grad())
        {
            for (int i = 0; i < _parameters.Length; i++)
            {
                using Tensor? early = _parameters[i].grad;
                if (early is not null) _gradientViews[i].add_(early);
            }
        }
        AttachGradients();
    }

    /// <summary>Leaves the parameters without a <c>grad</c>.</summary>
    public void DetachGradients()
    {
        foreach (Parameter parameter in _parameters) parameter.grad = null;
    }

    /// <summary>Sets the gradient to zero: one kernel.</summary>
    public void ZeroGradient()
    {
        using var noGraph = no_grad();
        _gradient.zero_();
    }

    /// <summary>
    /// The norm of the gradient, a float64 scalar on its device: one kernel over the gradient, and two over a thousandth of it.
    /// </summary>
    /// <remarks>Over millions, the CPU's float32 sums are wrong in the third digit; so they are of rows, and go on in float64.</remarks>
    public Tensor GradNorm()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return _gradient.view(-1, FlatLayout.Row).norm(dim: 1).to(ScalarType.Float64).norm().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Changes the parameters. With g the scaled gradient and t the step from 1:
    /// <code>
    ///     p *= 1 - lr wd (matrices)      m = β₁ m + (1 - β₁) g      v = β₂ v + (1 - β₂) g²
    ///     p -= lr √c₂ / c₁ · m / (√v + ε √c₂)      with c₁ = 1 - β₁ᵗ, c₂ = 1 - β₂ᵗ
    /// </code>
    /// </summary>
    /// <remarks>
    /// Eight kernels, however many parameters there are: one for the decay, two for each moment (their decay, and the gradient with
    /// the scale folded into its factor), √v, + ε, and the quotient. TorchSharp's AdamW takes nine a parameter, after a pass of clipping;
    /// the division of √v by √c₂ is gone into the two scalars.
    /// </remarks>
    /// <param name="rate">The learning rate.</param>
    /// <param name="gradScale">What the gradient is multiplied by, as for clipping.</param>
    /// <param name="step">t.</param>
    /// <param name="settings">The constants.</param>
    public void Step(double rate, double gradScale, long step, AdamWSettings settings)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        if (gradScale < LeastFoldedScale)
        {
            _gradient.mul_(gradScale);
            gradScale = 1;
        }
        Tensor gradient = Used(_gradient), first = Used(FirstMoment), second = Used(SecondMoment);
        double beta1 = settings.Beta1, beta2 = settings.Beta2;
        double correction1 = 1 - Math.Pow(beta1, step), root2 = Math.Sqrt(1 - Math.Pow(beta2, step));

        if (settings.WeightDecay > 0) _decaying.mul_(1 - rate * settings.WeightDecay);
        first.mul_(beta1).add_(gradient, (1 - beta1) * gradScale);
        second.mul_(beta2).addcmul_(gradient, gradient, (1 - beta2) * gradScale * gradScale);
        _values.addcdiv_(first, second.sqrt().add_(settings.Epsilon * root2), -rate * root2 / correction1);
    }

    /// <summary>Frees all but the parameters, which keep their buffer alive.</summary>
    public void Dispose()
    {
        foreach (Parameter parameter in _parameters.Where(p => !p.IsInvalid)) parameter.grad = null;
        foreach (Tensor view in _gradientViews) view.Dispose();
        _gradient.Dispose();
        _decaying.Dispose();
        _values.Dispose();
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }

    /// <summary>What the parameters use of a stretch.</summary>
    private Tensor Used(Tensor stretch) => stretch.narrow(0, 0, _values.numel());
}
