using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Hidden states and the linear head that turns them into logits, chunk by chunk.</summary>
/// <param name="Hidden">h, of shape [tokens, width].</param>
/// <param name="Weight">W, of shape [vocabulary, width], on h's device.</param>
/// <param name="Compute">The number type of the matrix products.</param>
/// <param name="Cap">The <see cref="SoftCap"/> of the logits; null for none.</param>
internal readonly record struct LinearHead(Tensor Hidden, Tensor Weight, ScalarType Compute, double? Cap = null)
{
    // The row length must be a multiple of this for the fast bfloat16 kernels of cuBLAS; with an odd length, products take five times as
    // long on an H200.
    private const long Alignment = 64;

    /// <summary>Returns the head with W in the type of the matrix products, in the current dispose scope.</summary>
    public LinearHead Ready() => this with { Weight = Weight.to(Compute) };

    /// <summary>
    /// Returns h for a chunk of tokens, 0 where the target is ignored, so that such a token adds nothing to dW and causes no NaN.
    /// </summary>
    public Tensor Chunk(long start, long length, Tensor ignored) =>
        Hidden.narrow(0, start, length).masked_fill(ignored.to(Hidden.device), 0).to(Compute);

    /// <summary>Returns the logits, float32 or float64, from the result of <see cref="Chunk"/>.</summary>
    public Tensor Logits(Tensor hidden)
    {
        Tensor logits = hidden.mm(Weight.t()).to(Compute == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);
        return Cap is { } cap ? SoftCap.Of(logits, cap) : logits;
    }

    /// <summary>Returns the head of a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="hidden">The output of its final norm, of shape [tokens, width].</param>
    public static LinearHead Of(LanguageNetwork network, Tensor hidden) =>
        new(hidden, network.HeadWeight, network.Compute, network.Configuration.LogitCap);

    /// <summary>
    /// Returns W in the type of the matrix products, in the current dispose scope. On CUDA in bfloat16 it is padded with rows of zeros to
    /// a multiple of 64 rows.
    /// </summary>
    public static Tensor Aligned(Tensor weight, ScalarType compute)
    {
        long vocabulary = weight.shape[0], missing = (Alignment - vocabulary % Alignment) % Alignment;
        if (missing == 0 || compute != ScalarType.BFloat16 || weight.device_type != DeviceType.CUDA) return weight.to(compute);
        return Padded(weight, compute, missing);
    }

    /// <summary>Returns W in another type, padded with rows of zeros.</summary>
    internal static Tensor Padded(Tensor weight, ScalarType compute, long rows)
    {
        long vocabulary = weight.shape[0];
        Tensor padded = empty(vocabulary + rows, weight.shape[1], dtype: compute, device: weight.device);
        padded.narrow(0, 0, vocabulary).copy_(weight);
        padded.narrow(0, vocabulary, rows).zero_();
        return padded;
    }

    /// <summary>
    /// Writes the scaled dh = dz W and adds the scaled dW = dzᵀ h. If the types allow it, the product itself applies the scale.
    /// </summary>
    /// <param name="gradLogits">dz, of shape [rows, rows of W], of the type of the products.</param>
    /// <param name="hidden">h, of shape [rows, width], of the same type.</param>
    /// <param name="weight">W, of the same type, padded or not.</param>
    /// <param name="gradHidden">The buffer for dh.</param>
    /// <param name="gradWeight">The buffer that dW is added to; null if it is not needed.</param>
    /// <param name="scale">The factor of both.</param>
    /// <param name="weighted">h with its rows multiplied by the weights of their losses, for dW; null for h itself.</param>
    public static void Backward(
        Tensor gradLogits, Tensor hidden, Tensor weight, Tensor gradHidden, Tensor? gradWeight, double scale, Tensor? weighted = null)
    {
        if (gradHidden.dtype == gradLogits.dtype) gradHidden.addmm_(gradLogits, weight, beta: 0, alpha: (float)scale);
        else gradHidden.copy_(gradLogits.mm(weight)).mul_(scale);
        if (gradWeight is null) return;
        (long vocabulary, Tensor h) = (gradWeight.shape[0], weighted ?? hidden);
        if (gradWeight.dtype == gradLogits.dtype)
            gradWeight.addmm_(gradLogits.narrow(1, 0, vocabulary).t(), h, alpha: (float)scale);
        else gradWeight.add_(gradLogits.t().mm(h).narrow(0, 0, vocabulary), scale);
    }
}
