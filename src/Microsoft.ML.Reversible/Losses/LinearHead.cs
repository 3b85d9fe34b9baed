using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Losses;

/// <summary>Hidden states and the linear head over them, for logits of some tokens at a time.</summary>
/// <param name="Hidden">h, of shape [tokens, width].</param>
/// <param name="Weight">W, of shape [vocabulary, width], on h's device.</param>
/// <param name="Compute">The number type of the matrix products.</param>
internal readonly record struct LinearHead(Tensor Hidden, Tensor Weight, ScalarType Compute)
{
    // What the fast bfloat16 kernels of cuBLAS ask of the length of a row; with an odd one products take five times as long on an H200.
    private const long Alignment = 64;

    /// <summary>The same with W in the type that it is multiplied in, in the current dispose scope.</summary>
    public LinearHead Ready() => this with { Weight = Weight.to(Compute) };

    /// <summary>
    /// Some tokens' h, 0 where a target is ignored: so such a token adds nothing to dW, and nothing of it is NaN.
    /// </summary>
    public Tensor Chunk(long start, long length, Tensor ignored) =>
        Hidden.narrow(0, start, length).masked_fill(ignored.to(Hidden.device), 0).to(Compute);

    /// <summary>Logits, at least float32, from the result of <see cref="Chunk"/>.</summary>
    public Tensor Logits(Tensor hidden) =>
        hidden.mm(Weight.t()).to(Compute == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32);

    /// <summary>
    /// W in the type that it is multiplied in, in the current dispose scope. On CUDA in bfloat16 it has rows of zeros behind those of the
    /// vocabulary, up to a multiple of 64.
    /// </summary>
    public static Tensor Aligned(Tensor weight, ScalarType compute)
    {
        long vocabulary = weight.shape[0], missing = (Alignment - vocabulary % Alignment) % Alignment;
        if (missing == 0 || compute != ScalarType.BFloat16 || weight.device_type != DeviceType.CUDA) return weight.to(compute);
        return Padded(weight, compute, missing);
    }

    /// <summary>W in another type with rows of zeros behind it.</summary>
    internal static Tensor Padded(Tensor weight, ScalarType compute, long rows)
    {
        long vocabulary = weight.shape[0];
        Tensor padded = empty(vocabulary + rows, weight.shape[1], dtype: compute, device: weight.device);
        padded.narrow(0, 0, vocabulary).copy_(weight);
        padded.narrow(0, vocabulary, rows).zero_();
        return padded;
    }

    /// <summary>Writes the scaled dh = dz W and adds the scaled dW = dzᵀ h; products scale by themselves where types allow.</summary>
    /// <param name="gradLogits">dz, of shape [rows, rows of W], of the type of the products.</param>
    /// <param name="hidden">h, of shape [rows, width], of the same type.</param>
    /// <param name="weight">W, of the same type, padded or not.</param>
    /// <param name="gradHidden">Where dh goes.</param>
    /// <param name="gradWeight">What dW is added to; null where nobody needs it.</param>
    /// <param name="scale">What both are multiplied by.</param>
    public static void Backward(Tensor gradLogits, Tensor hidden, Tensor weight, Tensor gradHidden, Tensor? gradWeight, double scale)
    {
        if (gradHidden.dtype == gradLogits.dtype) gradHidden.addmm_(gradLogits, weight, beta: 0, alpha: (float)scale);
        else gradHidden.copy_(gradLogits.mm(weight)).mul_(scale);
        if (gradWeight is null) return;
        long vocabulary = gradWeight.shape[0];
        if (gradWeight.dtype == gradLogits.dtype)
            gradWeight.addmm_(gradLogits.narrow(1, 0, vocabulary).t(), hidden, alpha: (float)scale);
        else gradWeight.add_(gradLogits.t().mm(hidden).narrow(0, 0, vocabulary), scale);
    }
}
