using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>
/// The loss of direct preference optimization. With the log-likelihoods p of the model and r of the reference, for the chosen (c) and the
/// rejected (d) answer, and σ the logistic function:
/// <code>
///     m = β ((p_c - r_c) - (p_d - r_d))        loss = -(1-ε) log σ(m) - ε log σ(-m) - α p_c / n_c
/// </code>
/// </summary>
/// <param name="Beta">β, positive: how strongly the model is held to the reference.</param>
/// <param name="LabelSmoothing">ε, within [0, 0.5): the probability that a preference is the wrong way round.</param>
/// <param name="SftWeight">α, at least 0: the weight of the chosen answer's mean loss per token.</param>
internal sealed record PreferenceLoss(double Beta, double LabelSmoothing, double SftWeight)
{
    /// <summary>Computes the loss, summed over the pairs, and its derivatives, in the current dispose scope.</summary>
    /// <param name="policy">
    /// The model's log-likelihood of each answer, float64, of shape [2 * pairs]: each chosen answer, and after it the rejected one.
    /// </param>
    /// <param name="reference">The reference's, of the same shape.</param>
    /// <param name="counts">The number of tokens of each answer, float64, of the same shape.</param>
    /// <returns>The loss, a float64 scalar, and its derivative by each of the model's log-likelihoods, of their shape.</returns>
    public (Tensor Loss, Tensor Gradient) Of(Tensor policy, Tensor reference, Tensor counts)
    {
        Tensor margins = Margins(policy, reference);
        Tensor loss = nn.functional.logsigmoid(margins).mul(LabelSmoothing - 1) - nn.functional.logsigmoid(-margins).mul(LabelSmoothing);
        Tensor ofMargin = margins.neg().sigmoid().mul(LabelSmoothing - 1) + margins.sigmoid().mul(LabelSmoothing);
        Tensor ofChosen = ofMargin * Beta, ofRejected = ofMargin * -Beta;
        if (SftWeight > 0)
        {
            Tensor perToken = SftWeight / Chosen(counts);
            loss -= Chosen(policy) * perToken;
            ofChosen -= perToken;
        }
        return (loss.sum(), stack([ofChosen, ofRejected], 1).flatten());
    }

    /// <summary>Returns m, the difference of the implicit rewards, of shape [pairs].</summary>
    public Tensor Margins(Tensor policy, Tensor reference)
    {
        Tensor rewards = Rewards(policy, reference);
        return rewards.select(1, 0) - rewards.select(1, 1);
    }

    /// <summary>Returns the implicit rewards β (p - r) of the chosen and the rejected answers, of shape [pairs, 2].</summary>
    public Tensor Rewards(Tensor policy, Tensor reference) => (policy - reference).mul(Beta).view(-1, 2);

    private static Tensor Chosen(Tensor ofAnswers) => ofAnswers.view(-1, 2).select(1, 0);
}
