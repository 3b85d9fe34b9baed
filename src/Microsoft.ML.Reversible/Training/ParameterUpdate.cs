using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// Takes one optimizer step with its backward pass, for either placement of the optimizer: zero gradients, backward pass, norm, guard,
/// clipping, update.
/// </summary>
/// <remarks>
/// <para>
/// With the optimizer after the backward pass, the global norm is read once, and a skipped step changes nothing.
/// </para>
/// <para>
/// With the optimizer inside the backward pass, the norm of each layer's gradient is read before the layer's update, which waits for the
/// device once per layer. The global norm is not known yet. Clipping uses the larger of the previous accepted step's global norm and the
/// group's own norm, so that the first step and a sudden large gradient are clipped too. From the first group whose gradient is not finite,
/// no group is updated. A loss that is not finite already shows in the first group, so such a step changes nothing. If gradients overflow
/// only later in the backward pass, the layers above have already been updated, with their finite gradients.
/// </para>
/// </remarks>
/// <param name="optimizer">The optimizer.</param>
/// <param name="guard">Decides whether to take a step.</param>
/// <param name="maxGradNorm">The norm that gradients are clipped to; 0 means not to clip.</param>
internal sealed class ParameterUpdate(FlatAdamW optimizer, StepGuard guard, double maxGradNorm)
{
    /// <summary>The result of a step.</summary>
    /// <param name="Loss">The loss that the backward pass returned.</param>
    /// <param name="GradNorm">The global norm of the gradients before clipping; not finite if a gradient is not.</param>
    /// <param name="Taken">Whether the step was taken.</param>
    public readonly record struct Outcome(Tensor Loss, double GradNorm, bool Taken);

    /// <summary>Takes a step, or skips it.</summary>
    /// <param name="step">The step, for messages.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="backward">
    /// Adds the loss's gradients to the parameters' <c>grad</c> and returns the loss. Its argument is the
    /// <see cref="StepContext.LayerDone"/> of the pass; if that is not null, there must be only one backward pass.
    /// </param>
    /// <exception cref="InvalidOperationException">Too many steps in a row were skipped.</exception>
    public Outcome Take(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        optimizer.ZeroGradients();
        return optimizer.Placement == OptimizerPlacement.AfterBackward ? After(step, rate, backward) : Inside(step, rate, backward);
    }

    /// <summary>Checks options that depend on each other.</summary>
    /// <returns>A message with the conflict and its remedy, and the option to name; null if there is no conflict.</returns>
    public static (string Message, string Option)? Conflict(
        OptimizerPlacement placement, double maxGradNorm, bool clipWithPreviousNorm, int gradientAccumulationSteps, double outlierFactor)
    {
        if (placement == OptimizerPlacement.AfterBackward) return null;
        if (gradientAccumulationSteps > 1)
            return ("GradientAccumulationSteps must be 1 if OptimizerPlacement is InsideBackward: " +
                "a layer's whole gradient is needed at once.", "GradientAccumulationSteps");
        if (maxGradNorm > 0 && !clipWithPreviousNorm)
            return ("MaxGradNorm must be 0 if OptimizerPlacement is InsideBackward, because the norm of the whole gradient is " +
                "not known yet; or set ClipWithPreviousNorm to clip by the previous step's norm.", "MaxGradNorm");
        if (outlierFactor > 0)
            return ("OutlierFactor must be 0 if OptimizerPlacement is InsideBackward: " +
                "when the norm of the whole gradient is known, the layers have already been updated.", "OutlierFactor");
        return null;
    }

    private Outcome After(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        Tensor loss = backward(null);
        double norm = optimizer.GradNorm();
        bool taken = guard.Accept(step, norm);
        if (taken) optimizer.Step(rate, ClipScale(norm));
        return new(loss, norm, taken);
    }

    private Outcome Inside(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        double squares = 0;
        Tensor loss = backward(layer =>
        {
            StepGroup(layer);
            optimizer.PassGradientOn(layer);
        });
        StepGroup(optimizer.OuterGroup);
        double norm = Math.Sqrt(squares);
        bool taken = guard.Accept(step, norm);
        if (taken) optimizer.CompleteStep();
        return new(loss, norm, taken);

        void StepGroup(int group)
        {
            double own = optimizer.GradNorm(group);
            squares += own * own;
            if (double.IsFinite(squares)) optimizer.StepGroup(group, rate, ClipScale(Math.Max(own, guard.State.LastNorm)));
        }
    }

    /// <summary>Returns the same scale as PyTorch's <c>clip_grad_norm_</c>.</summary>
    private double ClipScale(double norm) => maxGradNorm > 0 ? Math.Min(1, maxGradNorm / (norm + 1e-6)) : 1;
}
