using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A module whose parameters have names in Hugging Face's files.</summary>
internal abstract class NamedModule(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Returns the parameters under their names, without the prefix of the layer that the module is in.</summary>
    public abstract IEnumerable<NamedWeight> Weights();
}

/// <summary>A parameter, or some rows of one, under its name in Hugging Face's files.</summary>
/// <param name="Name">The name, with the family's prefix such as <c>transformer.</c>.</param>
/// <param name="Parameter">The parameter; a matrix is of shape [outputs, inputs].</param>
/// <param name="Shape">The shape of these rows, which the parameter itself has only once it is allocated.</param>
/// <param name="FirstRow">Where the rows begin: files keep apart what is joined here for one matrix product.</param>
/// <param name="Transposed">Whether files store the matrix as [inputs, outputs].</param>
internal readonly record struct NamedWeight(
    string Name, Parameter Parameter, IReadOnlyList<long> Shape, long FirstRow = 0, bool Transposed = false)
{
    /// <summary>The shape in a file.</summary>
    public long[] FileShape => Transposed ? [.. Shape.Reverse()] : [.. Shape];

    /// <summary>Returns a view of the values in the shape that they have in files, in the current dispose scope.</summary>
    public Tensor View()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor rows = Parameter.narrow(0, FirstRow, Shape[0]);
        return (Transposed ? rows.t() : rows).MoveToOuterDisposeScope();
    }
}
