using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>
/// One optimizer step around a backward pass, for either placement of the optimizer: zero gradients, backward, norm, guard, clip, update.
/// </summary>
/// <remarks>
/// <para>
/// After the backward pass, the global norm is read once; a skipped step changes nothing.
/// </para>
/// <para>
/// Inside it, the norm of each layer's gradient is read before its step, which waits for the device once a layer. The global norm is not
/// known there; clipping uses the greater of the previous accepted step's global norm and the group's own, so that the first step and a
/// sudden large gradient are clipped too. From the first group whose gradient is not finite, nothing is stepped. A loss that is not finite
/// shows in the first group of the backward pass, so such a step changes nothing. Only where gradients overflow within the backward pass
/// have the layers above been stepped already, with their finite gradients.
/// </para>
/// </remarks>
/// <param name="optimizer">The optimizer.</param>
/// <param name="guard">Decides whether a step is taken.</param>
/// <param name="maxGradNorm">The norm that gradients are clipped to; 0 means not to clip.</param>
internal sealed class ParameterUpdate(FlatAdamW optimizer, StepGuard guard, double maxGradNorm)
{
    /// <summary>What a step did.</summary>
    /// <param name="Loss">What the backward pass returned.</param>
    /// <param name="GradNorm">The global norm of the gradients before clipping; not finite where a gradient was not.</param>
    /// <param name="Taken">Whether the weights were changed.</param>
    public readonly record struct Outcome(Tensor Loss, double GradNorm, bool Taken);

    /// <summary>Takes a step, or skips it.</summary>
    /// <param name="step">The step, for messages.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="backward">
    /// Adds the loss's gradients to the parameters' <c>grad</c> and returns the loss. Its argument is the
    /// <see cref="StepContext.LayerDone"/> of the pass; where that is not null, there may be one backward pass only.
    /// </param>
    /// <exception cref="InvalidOperationException">Too many steps in a row were skipped.</exception>
    public Outcome Take(long step, double rate, Func<Action<int>?, Tensor> backward)
    {
        optimizer.ZeroGradients();
        return optimizer.Placement == OptimizerPlacement.AfterBackward ? After(step, rate, backward) : Inside(step, rate, backward);
    }

    /// <summary>Checks options that depend on each other.</summary>
    /// <returns>Null, or what is wrong and how to correct it, and the option to name.</returns>
    public static (string Message, string Option)? Conflict(
        OptimizerPlacement placement, double maxGradNorm, bool clipWithPreviousNorm, int gradientAccumulationSteps, double outlierFactor)
    {
        if (placement == OptimizerPlacement.AfterBackward) return null;
        if (gradientAccumulationSteps > 1)
            return ("GradientAccumulationSteps must be 1 where the optimizer stands inside the backward pass: " +
                "it needs a layer's whole gradient at once.", "GradientAccumulationSteps");
        if (maxGradNorm > 0 && !clipWithPreviousNorm)
            return ("MaxGradNorm must be 0 where the optimizer stands inside the backward pass, since the norm of the whole gradient is " +
                "not known there; or set ClipWithPreviousNorm to clip by the previous step's.", "MaxGradNorm");
        if (outlierFactor > 0)
            return ("OutlierFactor must be 0 where the optimizer stands inside the backward pass: " +
                "when the norm of the whole gradient is known, the layers have been changed.", "OutlierFactor");
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

    /// <summary>As <c>clip_grad_norm_</c> has it.</summary>
    private double ClipScale(double norm) => maxGradNorm > 0 ? Math.Min(1, maxGradNorm / (norm + 1e-6)) : 1;
}
