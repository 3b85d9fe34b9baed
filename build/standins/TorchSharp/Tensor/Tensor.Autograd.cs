namespace TorchSharp;

public static partial class torch
{
    // A tensor's part in the graph of gradients.
    public partial class Tensor
    {
        public bool requires_grad
        {
            get => Kept(Native.ts_requires_grad(Handle) ? 1 : 0) != 0;
            set => Done(Native.ts_set_requires_grad(Handle, value));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => alias().requires_grad_(requires_grad);

        // Each reading makes a handle of its own; null where there is no gradient.
        public Tensor grad
        {
            get
            {
                var handle = Native.ts_grad(Handle);
                GC.KeepAlive(this);
                return handle == 0 ? null : new Tensor(handle);
            }
            set => Done(Native.ts_set_grad(Handle, HandleOrNull(value)), value);
        }

        public bool is_leaf => Kept(Native.ts_is_leaf(Handle) ? 1 : 0) != 0;

        public void retain_grad() => Done(Native.ts_retain_grad(Handle));

        public Tensor detach() => Made(Native.ts_detach(Handle), this);

        public Tensor detach_() => Done(Native.ts_detach_(Handle));

        public void backward() => autograd.backward((IList<Tensor>)[this]);

        public void backward(
            IList<Tensor> grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor> inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);
    }
}
