using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// x Wᵀ + b over the last dimension, in the number type in which the model computes. All matrix products of a block go through this module,
/// so an adapter can be added here, or as a forward hook.
/// </summary>
/// <remarks>The parameters stay float32.</remarks>
internal sealed class Linear : NamedModule
{
    private readonly (string Name, long Rows)[] _parts;
    private readonly long _inputs;
    private readonly ScalarType _compute;
    private readonly bool _transposed;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>Makes a module whose matrix has one name in files; the rest is as in the other constructor.</summary>
    public Linear(
        ParameterFactory make, ScalarType compute, string name, long inputs, long outputs,
        double deviation = ParameterFactory.Deviation, bool bias = false, bool transposed = false)
        : this(make, compute, [(name, outputs)], inputs, deviation, bias, transposed)
    {
    }

    /// <summary>Makes a module whose matrix joins several that have names of their own in files, for one product.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="compute">The number type of the product.</param>
    /// <param name="parts">The names, without <c>.weight</c>, and the outputs of each.</param>
    /// <param name="inputs">The size of an input.</param>
    /// <param name="deviation">The standard deviation of the initial weights.</param>
    /// <param name="bias">Whether there is a bias, which begins at zero.</param>
    /// <param name="transposed">Whether files store the matrix as [inputs, outputs].</param>
    public Linear(
        ParameterFactory make, ScalarType compute, (string Name, long Rows)[] parts, long inputs,
        double deviation = ParameterFactory.Deviation, bool bias = false, bool transposed = false)
        : base(nameof(Linear))
    {
        (_parts, _inputs, _compute, _transposed) = (parts, inputs, compute, transposed);
        long outputs = parts.Sum(part => part.Rows);
        _weight = make.Normal(deviation, outputs, inputs);
        if (bias) _bias = make.Zeros(outputs);
        RegisterComponents();
    }

    /// <summary>The matrix, of shape [outputs, inputs].</summary>
    public Parameter Weight => _weight;

    /// <remarks>TorchSharp's <c>linear</c> adds the bias of an input of more than two dimensions in a pass of its own.</remarks>
    public override Tensor forward(Tensor input)
    {
        if (_bias is null) return nn.functional.linear(input, _weight.InType(_compute));
        using var scope = NewDisposeScope();
        long[] shape = input.shape;
        Tensor result = addmm(_bias.InType(_compute), input.reshape(-1, shape[^1]), _weight.InType(_compute).t(), 1, 1);
        shape[^1] = _weight.shape[0];
        return result.view(shape).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights()
    {
        long first = 0;
        foreach ((string name, long rows) in _parts)
        {
            yield return new(name + ".weight", _weight, [rows, _inputs], first, _transposed);
            if (_bias is not null) yield return new(name + ".bias", _bias, [rows], first);
            first += rows;
        }
    }
}
