/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - start of the program. */
int main(void)
{
    return 0;
}
