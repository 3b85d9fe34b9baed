using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Benchmarks;

/// <summary>
/// Single operations of a training step on the CPU, to be the first call of a process. On libtorch 2.11 a vector function of MKL can give
/// different last bits in its first call.
/// </summary>
internal static class FirstCalls
{
    private const int Rows = 1024, Width = 512;

    /// <summary>The operations by name. Each returns its results in one vector.</summary>
    public static IReadOnlyDictionary<string, Func<Tensor>> Operations { get; } = new Dictionary<string, Func<Tensor>>
    {
        ["exp"] = () => Numbers(Rows, Width).exp(),
        ["log"] = () => Numbers(Rows, Width).abs().add(1).log(),
        ["sin"] = () => Numbers(Rows, Width).sin(),
        ["cos"] = () => Numbers(Rows, Width).cos(),
        ["tanh"] = () => Numbers(Rows, Width).tanh(),
        ["erf"] = () => Numbers(Rows, Width).erf(),
        ["rsqrt"] = () => Numbers(Rows, Width).abs().add(1).rsqrt(),
        ["sum"] = () => Numbers(Rows, Width).sum(),
        ["logsumexp"] = () => Numbers(Rows, Width).logsumexp(1),
        ["log_softmax"] = () => Numbers(Rows, Width).log_softmax(1),
        ["normal_"] = Drawn,
        ["mm"] = () => Numbers(Rows, Width).mm(Numbers(Width, Width)),
        ["addmm"] = () => WithGradients(x => addmm(Numbers(Width), x[0], x[1], 1, 1), Numbers(Rows, Width), Numbers(Width, Width)),
        ["layer_norm"] = () => WithGradients(
            x => nn.functional.layer_norm(x[0], [Width], x[1], x[2], 1e-5), Numbers(Rows, Width), Numbers(Width), Numbers(Width)),
        ["gelu"] = () => WithGradients(x => Activation.GeluTanh.Apply(x[0]), Numbers(Rows, Width)),
        ["silu"] = () => WithGradients(x => nn.functional.silu(x[0]), Numbers(Rows, Width)),
        ["attention"] = () => WithGradients(
            x => nn.functional.scaled_dot_product_attention(x[0], x[1], x[2], is_casual: true),
            Numbers(4, 4, 64, 32), Numbers(4, 4, 64, 32).neg(), Numbers(4, 4, 64, 32)),
        ["embedding"] = () => WithGradients(
            x => x[0].index_select(0, arange(4 * Rows, dtype: ScalarType.Int64, device: CPU).remainder(Width)), Numbers(Width, Width)),
    };

    /// <summary>Returns numbers within [-4, 4) without a vector function, so that the operation is the first call of the process.</summary>
    private static Tensor Numbers(params long[] shape)
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        return arange(count, dtype: ScalarType.Int64, device: CPU).mul(2654435761).remainder(8192).to(ScalarType.Float32)
            .div(1024).sub(4).view(shape);
    }

    private static Tensor Drawn()
    {
        using var random = new Generator(1);
        return empty([Rows, Width], dtype: ScalarType.Float32, device: CPU).normal_(0, 1, random);
    }

    private static Tensor WithGradients(Func<Tensor[], Tensor> operation, params Tensor[] inputs)
    {
        foreach (Tensor input in inputs) input.requires_grad_();
        Tensor result = operation(inputs);
        result.backward([Numbers(result.shape)]);
        return cat([result.detach().flatten(), .. inputs.Select(input => input.grad!.flatten())], 0);
    }
}
