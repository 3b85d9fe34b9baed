using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    // A tensor that a module learns. It takes over the handle of the tensor it is made of.
    public class Parameter : Tensor
    {
        public Parameter(Tensor data, bool requires_grad = true) : base(data.DecoupleFromNativeHandle()) =>
            this.requires_grad = requires_grad;
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
